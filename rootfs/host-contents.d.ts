/** Commands of the `host` root filesystem, as far as they are installed. */
export declare const REQUIRED_COMMAND = 'sh';
export declare const HOST_COMMANDS: readonly string[];
export declare const TERMINALS: readonly string[];
