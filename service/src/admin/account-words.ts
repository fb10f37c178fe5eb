/** What the panel calls the parts of accounts, and what it asks before it ends something. */
export const ACCOUNT_WORDS = {
  // In the navigation and the breadcrumbs.
  labels: { admins: 'Users', api_tokens: 'API tokens', admin_sessions: 'Sessions', admin_audit: 'Audit log' },
  messages: {
    confirmRevokeToken: 'Whatever uses this token is refused from now on. Revoke it?',
    confirmRevokeSession: 'This browser is logged out at once. End the session?',
  },
  resources: {
    admins: {
      name: 'Users',
      actions: { list: 'Users', new: 'New user', edit: 'Edit user', show: 'User' },
      properties: {
        email: 'E-mail',
        enabled: 'May log in',
        created_at: 'Created',
        last_login_at: 'Last login',
        disabled_at: 'Disabled',
      },
    },
    api_tokens: {
      name: 'API tokens',
      actions: { list: 'API tokens', new: 'New token', show: 'API token', delete: 'Revoke' },
      properties: {
        created_at: 'Created',
        last_used_at: 'Last used',
        expires_at: 'Expires',
        revoked_at: 'Revoked',
      },
      messages: { successfullyDeleted: 'The token is revoked' },
    },
    admin_sessions: {
      name: 'Sessions',
      actions: { list: 'Sessions', show: 'Session', delete: 'End', bulkDelete: 'End all' },
      properties: {
        admin_id: 'User',
        current: 'This one',
        ip: 'Address',
        user_agent: 'Browser',
        created_at: 'Logged in',
        last_seen_at: 'Last seen',
        expires_at: 'Ends',
      },
      messages: { successfullyDeleted: 'The session is ended' },
    },
    admin_audit: {
      name: 'Audit log',
      actions: { list: 'Audit log', show: 'Entry' },
      properties: {
        at: 'When',
        email: 'Who',
        ip: 'Address',
        action: 'What',
        resource: 'Of',
        record_id: 'Id',
        before: 'Before',
        after: 'After',
      },
    },
  },
};
