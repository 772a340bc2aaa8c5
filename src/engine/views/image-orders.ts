/** What `images --sort` sorts by, in Podman's words. */
export const IMAGE_ORDERS = ['created', 'id', 'repository', 'size', 'tag'] as const;

export type ImageOrder = (typeof IMAGE_ORDERS)[number];
