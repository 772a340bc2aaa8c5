/** What a command for a project does, as it happens. */
export interface ComposeEvent {
  kind: 'Network' | 'Volume' | 'Container' | 'Image' | 'Service';
  name: string;
  /** `Creating`, `Created`, `Healthy` ... */
  text: string;
}

/** Receives what is done. */
export type Report = (event: ComposeEvent) => void;

/** Reports the beginning and the end of something. */
export async function reporting<T>(
  report: Report,
  kind: ComposeEvent['kind'],
  name: string,
  [begin, end]: readonly [string, string],
  act: () => Promise<T>,
): Promise<T> {
  report({ kind, name, text: begin });
  try {
    const result = await act();
    report({ kind, name, text: end });
    return result;
  } catch (error) {
    report({ kind, name, text: 'Error' });
    throw error;
  }
}
