// Accounts in the panel's front end: the user's menu, and actions that leave for pages of ours. Loaded after
// components.bundle.js.
(() => {
  const { createElement: h, useEffect } = React;
  const { Box, CurrentUserNav } = AdminJSDesignSystem;

  const goTo = (url) => (event) => {
    event.preventDefault();
    location.assign(url);
  };

  /** AdminJS's own menu, with the password in it. */
  function LoggedIn({ session, paths }) {
    return h(
      Box,
      { flexShrink: 0 },
      h(CurrentUserNav, {
        name: session.email,
        dropActions: [
          { label: 'Change password', onClick: goTo('/admin/password'), icon: 'Lock' },
          { label: 'Log out', onClick: goTo(paths.logoutPath), icon: 'LogOut' },
        ],
      }),
    );
  }

  /** Stands where AdminJS's form would be. Replaces the entry in the history, so that "back" leads back. */
  function OpenPage({ action }) {
    useEffect(() => location.replace(action.custom.url), [action.custom.url]);
    return null;
  }

  Object.assign(AdminJS.UserComponents, { LoggedIn, OpenPage });
})();
