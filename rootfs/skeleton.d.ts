/** Creates the directories and the files in /etc. `name` is for /etc/os-release. */
export declare function writeSkeleton(tree: string, name: string): void;
/** Creates a directory readable by everyone, with its parents, regardless of the umask. */
export declare function makeDirectory(path: string): void;
