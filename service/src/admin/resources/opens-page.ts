/** An action that leaves AdminJS for a page of ours (assets/accounts.js), where a secret may be shown once. */
export function opensPage(url: string) {
  return { component: 'OpenPage', custom: { url }, showInDrawer: false };
}
