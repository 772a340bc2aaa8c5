/** The host of a registry, by its name in references. */
export function registryHost(registry: string): string {
  return registry === 'docker.io' ? 'registry-1.docker.io' : registry;
}

/** Whether a host, with or without a port, is this machine: such a registry may be used without TLS, as in Docker. */
export function isLoopback(host: string): boolean {
  const name = host.replace(/:\d+$/, '').toLowerCase();
  return name === 'localhost' || name === '[::1]' || /^127(?:\.\d{1,3}){3}$/.test(name);
}

/** The name of a registry as given to `foster login`: `https://index.docker.io/v1/` is docker.io, as in Docker. */
export function canonicalRegistryName(text: string): string {
  const host = text.replace(/^https?:\/\//, '').replace(/\/.*$/, '');
  return ['index.docker.io', 'registry-1.docker.io', ''].includes(host) ? 'docker.io' : host;
}
