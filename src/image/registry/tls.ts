import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createSecureContext, rootCertificates, type SecureContext } from 'node:tls';
import { baseFolder } from '../../sys/base-folders.js';
import { FosterError } from '../../sys/errors.js';
import { surroundings } from '../../sys/surroundings.js';

/** TLS options for one host, for node:tls. */
export interface TlsOptions {
  rejectUnauthorized: boolean;
  /** Made once: reading all certificate authorities of a machine takes longer than a handshake. */
  secureContext: SecureContext;
}

/** Where distributions keep the certificates of the authorities that the machine trusts. */
const SYSTEM_BUNDLES = [
  '/etc/ssl/certs/ca-certificates.crt', // Debian, Ubuntu, Arch, Alpine
  '/etc/pki/tls/certs/ca-bundle.crt', // Fedora, RHEL
  '/etc/ssl/ca-bundle.pem', // openSUSE
  '/etc/ssl/cert.pem',
];

/**
 * Certificates for a host: those that the machine trusts, `NODE_EXTRA_CA_CERTS`, and those in certs.d folders
 * (containers-certs.d(5)).
 * @param host with the port, if it was given
 * @param folder contains the certificates, instead of the certs.d folders
 * @throws FosterError if a file of certs.d cannot be read
 */
export function tlsOptions(host: string, verify: boolean, folder?: string): TlsOptions {
  const { ca, cert, key } = certificatesOf(host, folder);
  const client = cert === undefined || key === undefined ? {} : { cert, key };
  const authorities = verify ? { ca: [...trustedCertificates(), ...ca] } : {};
  try {
    return { rejectUnauthorized: verify, secureContext: createSecureContext({ ...authorities, ...client }) };
  } catch (error) {
    throw new FosterError(`a certificate for ${host} cannot be used: ${String(error)}`, {
      advice: 'check the certs.d folders, SSL_CERT_FILE and NODE_EXTRA_CA_CERTS',
      cause: error,
    });
  }
}

let trusted: string[] | undefined;

function trustedCertificates(): string[] {
  if (trusted !== undefined) return trusted;
  const { SSL_CERT_FILE, NODE_EXTRA_CA_CERTS } = surroundings().env;
  const bundles = SSL_CERT_FILE ? [SSL_CERT_FILE] : SYSTEM_BUNDLES;
  const system = bundles.map(readIfThere).find((bundle) => bundle !== undefined);
  // Node itself does not see this variable (src/cli/main.ts).
  const extra = NODE_EXTRA_CA_CERTS ? readIfThere(NODE_EXTRA_CA_CERTS) : undefined;
  trusted = [
    ...(system === undefined ? rootCertificates : [system]),
    ...(extra === undefined ? [] : [extra]),
  ];
  return trusted;
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

interface HostCertificates {
  ca: string[];
  /** For a registry that requires client certificates. */
  cert?: string;
  key?: string;
}

function certificatesOf(host: string, own: string | undefined): HostCertificates {
  const found: HostCertificates = { ca: [] };
  const folders = own === undefined ? certificateFolders().map((folder) => join(folder, host)) : [own];
  for (const folder of folders) {
    for (const name of namesIn(folder)) {
      const path = join(folder, name);
      if (name.endsWith('.crt')) found.ca.push(read(path));
      else if (name.endsWith('.cert')) found.cert ??= read(path);
      else if (name.endsWith('.key')) found.key ??= read(path);
    }
  }
  return found;
}

/** The user's own first. */
function certificateFolders(): string[] {
  const config = baseFolder('XDG_CONFIG_HOME', '.config');
  return [join(config, 'containers/certs.d'), '/etc/containers/certs.d', '/etc/docker/certs.d'];
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new FosterError(`cannot read the certificate ${path}`, {
      advice: 'check its permissions',
      cause: error,
    });
  }
}
