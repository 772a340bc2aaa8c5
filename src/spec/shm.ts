/** The source of the tmpfs at /dev/shm that a container has by default, as mount(8) shows it. */
export const SHM = 'shm';
