/** What a command for a project does, as it happens. */
export interface ComposeEvent {
  kind: 'Network' | 'Volume' | 'Container' | 'Image' | 'Service';
  name: string;
  /** `Creating`, `Created`, `Healthy` ... */
  text: string;
}

/** Receives what is done. */
export interface Report {
  (event: ComposeEvent): void;
  /** Whether nothing is done, and everything is reported as if it were: --dry-run. */
  isDry?: boolean;
}

/** Does something, unless nothing is to be done, and reports its beginning and its end. */
export async function reporting(
  report: Report,
  kind: ComposeEvent['kind'],
  name: string,
  [begin, end]: readonly [string, string],
  act: () => Promise<unknown>,
): Promise<void> {
  report({ kind, name, text: begin });
  try {
    if (!report.isDry) await act();
    report({ kind, name, text: end });
  } catch (error) {
    report({ kind, name, text: 'Error' });
    throw error;
  }
}
