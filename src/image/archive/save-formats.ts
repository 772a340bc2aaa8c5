/**
 * Formats for saving images: the archives of Docker and of the OCI, the OCI's directory, and the directory of skopeo's
 * `dir:` with Docker's manifest.
 */
export const SAVE_FORMATS = ['docker-archive', 'oci-archive', 'oci-dir', 'docker-dir'] as const;

export type SaveFormat = (typeof SAVE_FORMATS)[number];
