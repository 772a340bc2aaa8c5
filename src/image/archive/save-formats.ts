/** Formats for saving images: the archives of Docker and of the OCI, and the OCI's directory. */
export const SAVE_FORMATS = ['docker-archive', 'oci-archive', 'oci-dir'] as const;

export type SaveFormat = (typeof SAVE_FORMATS)[number];
