/** The look of the pages that are ours alone: no file, no font, nothing to ask a server for. */
export const THEME = `
  :root {
    color-scheme: light dark;
    --ground: #f3f6f5; --card: #fff; --ink: #10201e; --quiet: #566764; --line: #cfdad8;
    --brand: #0f766e; --brand-strong: #0b5c56; --on-brand: #fff; --ring: #0f766e55;
    --alarm: #a3211b; --alarm-ground: #fdeceb; --contour: #0f766e14;
  }
  @media (prefers-color-scheme: dark) {
    :root {
      --ground: #0b1413; --card: #121f1d; --ink: #e7f0ee; --quiet: #9db1ad; --line: #2c3f3c;
      --brand: #4fc3b5; --brand-strong: #74d6ca; --on-brand: #06201d; --ring: #4fc3b566;
      --alarm: #ffb4ab; --alarm-ground: #3b1512; --contour: #4fc3b514;
    }
  }
  * { box-sizing: border-box; }
  body {
    margin: 0; min-height: 100vh; min-height: 100dvh; display: grid; place-items: center; padding: 1.5rem;
    font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif;
    color: var(--ink);
    /* Contour lines, as on a map. */
    background:
      repeating-radial-gradient(ellipse 75% 60% at 88% 12%, transparent 0 38px, var(--contour) 38px 40px),
      var(--ground);
  }
  main {
    width: 100%; max-width: 25rem; padding: 2.25rem 2rem 2rem; border-radius: 1rem;
    background: var(--card); border: 1px solid var(--line); box-shadow: 0 12px 40px #0b2a2614;
  }
  header { display: flex; align-items: center; gap: .75rem; margin-bottom: 1.75rem; }
  header p { margin: 0; font-weight: 650; letter-spacing: -.01em; line-height: 1.2; }
  header small { display: block; font-weight: 400; letter-spacing: 0; color: var(--quiet); font-size: .875rem; }
  h1 { margin: 0 0 1.25rem; font-size: 1.5rem; line-height: 1.2; letter-spacing: -.02em; font-weight: 650; }
  label { display: block; margin: 0 0 .375rem; font-size: .875rem; font-weight: 550; }
  input, select {
    width: 100%; margin: 0 0 1.125rem; padding: .6875rem .875rem; font: inherit; color: inherit;
    background: transparent; border: 1px solid var(--line); border-radius: .5rem;
  }
  :is(input, select):hover { border-color: var(--quiet); }
  button {
    width: 100%; margin-top: .375rem; padding: .75rem 1rem; font: inherit; font-weight: 600; cursor: pointer;
    color: var(--on-brand); background: var(--brand); border: 0; border-radius: .5rem;
  }
  button:hover { background: var(--brand-strong); }
  :is(input, select, button, a):focus-visible { outline: 3px solid var(--ring); outline-offset: 1px; border-color: var(--brand); }
  .alarm {
    margin: 0 0 1.25rem; padding: .75rem .875rem; border-radius: .5rem; font-size: .9375rem;
    color: var(--alarm); background: var(--alarm-ground);
  }
  select { background: var(--card); }
  .secret {
    display: block; margin: 0 0 1.25rem; padding: .875rem; border: 1px dashed var(--brand); border-radius: .5rem;
    font: 1rem/1.5 ui-monospace, "DejaVu Sans Mono", monospace; overflow-wrap: anywhere; user-select: all;
  }
  .action {
    display: block; padding: .75rem 1rem; border-radius: .5rem; text-align: center; text-decoration: none;
    font-weight: 600; color: var(--on-brand); background: var(--brand);
  }
  .action:hover { background: var(--brand-strong); }
  .quiet { margin: 1.25rem 0 0; font-size: .875rem; color: var(--quiet); text-align: center; }
  a { color: var(--brand); }
`;

/** A whole page of ours around `content`, which must be safe HTML already. */
export function page(options: { title: string; content: string; nonce: string }): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${options.title} · Sevra Atlas</title>
<link rel="icon" href="/admin/frontend/assets/icon.svg" type="image/svg+xml">
<style nonce="${options.nonce}">${THEME}</style>
</head>
<body>
<main>
<header><img src="/admin/frontend/assets/icon.svg" alt="" width="44" height="44"><p>Sevra Atlas<small>Administration</small></p></header>
${options.content}
</main>
</body>
</html>
`;
}
