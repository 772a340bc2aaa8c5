/** Writes the directories and the files below /etc. `name` is what /etc/os-release says. */
export declare function writeSkeleton(tree: string, name: string): void;
/** A directory that everybody may read, with its parents, whatever the umask. */
export declare function makeDirectory(path: string): void;
