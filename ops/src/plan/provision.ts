/** What `make provision` learns from the VPS, and what it does then. */

/** The lines that ops/provision/main.sh writes to stdout. */
export interface MachineReport {
  /** What was changed, or would be. */
  changes: string[];
  notes: string[];
  facts: Readonly<Record<string, string>>;
}

/** What the laptop's own repository says. */
export interface Source {
  /** The commit whose files the VPS gets. */
  commit: string;
  /** The release's tag; null: the VPS builds its checkout. */
  tag: string | null;
  /** Whether this repository has that tag. */
  isTagKnown: boolean;
}

export interface ProvisionPlan {
  /** What changes on the machine itself. */
  machine: string[];
  /** The repository's objects travel there. */
  sends: boolean;
  /** The checkout moves to the commit. */
  checksOut: boolean;
  deploys: boolean;
  /** All of it, a line each, in the order of execution. */
  lines: string[];
}

/** Reads the lines "change …", "note …" and "fact NAME VALUE"; anything else is no part of the report. */
export function parseReport(stdout: string): MachineReport {
  const report = { changes: [] as string[], notes: [] as string[], facts: {} as Record<string, string> };
  for (const line of stdout.split('\n')) {
    const [, kind, text = ''] = /^(change|note|fact) (.+)$/.exec(line) ?? [];
    if (kind === 'change') report.changes.push(text);
    if (kind === 'note') report.notes.push(text);
    const [name = '', value = ''] = kind === 'fact' ? text.split(' ') : [];
    if (name && value) report.facts[name] = value;
  }
  return report;
}

/**
 * What is left to do. A machine that serves a release keeps its checkout: from then on deploy and rollback move
 * it; only the tag is sent there.
 */
export function planProvision(report: MachineReport, source: Source, root: string): ProvisionPlan {
  const { head = 'none', release = 'none', tag: theirTag = 'none', engine } = report.facts;
  const short = source.commit.slice(0, 7);
  const isLive = release !== 'none';
  const checksOut = !isLive && head !== source.commit;
  const sends = checksOut || (source.isTagKnown && theirTag === 'none');
  const lines = [...report.changes];
  if (checksOut) lines.push(`${root}: the files of ${source.isTagKnown ? source.tag : 'commit'} (${short})`);
  else if (sends) lines.push(`${root}: the tag ${source.tag} (${short})`);
  if (!isLive && engine !== 'there') lines.push('Node and the container engine (ops/bootstrap.sh)');
  if (!isLive)
    lines.push(
      source.tag ? `first deploy: release ${source.tag}` : 'first deploy: built there, from its checkout',
    );
  return { machine: report.changes, sends, checksOut, deploys: !isLive, lines };
}

/** What the operator should know beside the plan. */
export function describeNotes(report: MachineReport, source: Source, host: string): string[] {
  const notes = [...report.notes];
  const { release = 'none' } = report.facts;
  if (source.tag && !source.isTagKnown)
    notes.push(`git knows no tag ${source.tag} here: the files are those of this checkout's commit`);
  if (release !== 'none' && source.tag && release !== source.tag)
    notes.push(
      `${release} is deployed there; make deploy HOST=${host} TAG=${source.tag} brings ${source.tag}`,
    );
  return notes;
}
