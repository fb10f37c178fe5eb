// Components of ours for the panel, written for the browser as they are: AdminJS's pages load this file
// after its own bundles, which leave React and the design system behind as globals.
(() => {
  const { createElement: h, useEffect, useState } = React;
  const { Box, H2, Text } = AdminJSDesignSystem;

  function Card({ title, href, number, lines }) {
    return h(
      Box,
      {
        as: 'a',
        href,
        bg: 'white',
        p: 'xl',
        flexGrow: 1,
        style: {
          flexBasis: '18rem',
          borderRadius: '12px',
          textDecoration: 'none',
          border: '1px solid #dfe6e5',
        },
      },
      h(Text, { color: 'grey80', fontWeight: 'normal', mb: 'default' }, title),
      h(Text, { color: 'grey100', style: { fontSize: '2.75rem', lineHeight: 1.1, fontWeight: 600 } }, number),
      lines.map((line) => h(Text, { key: line, color: 'grey80', fontWeight: 'normal', mt: 'sm' }, line)),
    );
  }

  function Dashboard() {
    const [counts, setCounts] = useState();
    useEffect(() => {
      const shown = new AbortController();
      new AdminJS.ApiClient().getDashboard({ signal: shown.signal }).then(
        (answer) => setCounts(answer.data),
        () => {},
      );
      return () => shown.abort();
    }, []);
    const number = (value) => (counts ? value(counts).toLocaleString('en') : '\u2026');
    return h(
      Box,
      { variant: 'grey', p: 'xxl' },
      h(H2, { mb: 'xl' }, 'Sevra Atlas'),
      h(
        Box,
        { flex: true, style: { gap: '1.5rem', flexWrap: 'wrap' } },
        h(Card, {
          title: 'Salons',
          href: '/admin/resources/salons',
          number: number((c) => c.salons.total),
          lines: [`${number((c) => c.salons.published)} published`],
        }),
        h(Card, {
          title: 'Photos',
          href: '/admin/resources/photos',
          number: number((c) => c.photos.ready),
          lines: [
            `${number((c) => c.photos.uploaded)} being prepared, ${number((c) => c.photos.failed)} failed`,
          ],
        }),
      ),
    );
  }

  AdminJS.UserComponents = { Dashboard };
})();
