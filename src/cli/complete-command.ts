/** The command by which completion scripts ask for candidates: system/complete.ts. It is not in the help. */
export const COMPLETE = '__complete';
