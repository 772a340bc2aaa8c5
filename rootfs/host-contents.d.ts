/** What the `host` root filesystem holds, as far as this machine has it. */
export declare const REQUIRED_COMMAND = 'sh';
export declare const HOST_COMMANDS: readonly string[];
export declare const TERMINALS: readonly string[];
