import { escapeHtml } from './html.ts';

/** What went wrong, announced to screen readers; fields of the same form point at it with `state`. */
export function alarm(problem: string | undefined): { alert: string; state: string } {
  if (!problem) return { alert: '', state: '' };
  return {
    alert: `<p class="alarm" id="problem" role="alert">${escapeHtml(problem)}</p>`,
    state: ' aria-invalid="true" aria-describedby="problem"',
  };
}

/** The options of a select: value -> words. */
export function options(choices: Readonly<Record<string, string>>, chosen: string | undefined): string {
  return Object.entries(choices)
    .map(([value, words]) => {
      const selected = value === chosen ? ' selected' : '';
      return `<option value="${escapeHtml(value)}"${selected}>${escapeHtml(words)}</option>`;
    })
    .join('');
}
