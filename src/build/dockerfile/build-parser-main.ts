/**
 * The parser of Dockerfiles, in a file of its own beside foster's: no other command has to read its 150 KB.
 */
export { DockerfileParser } from 'dockerfile-ast';
