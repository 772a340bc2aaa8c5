/**
 * The parser for Dockerfiles, in a bundle of its own, so that no other command has to load its 150 KB.
 */
export { DockerfileParser } from 'dockerfile-ast';
