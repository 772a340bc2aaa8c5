import { flagError, unsupportedValue } from './flag.js';

/** Options of pasta(1) that people may give; all others are foster's own business, or would keep it from running at all. */

const WITH_VALUE = new Set(
  [
    '-a --address -n --netmask -M --mac-addr -g --gateway -i --interface -o --outbound --outbound-if4 --outbound-if6',
    '-D --dns -S --search --dns-forward --dns-host -t --tcp-ports -u --udp-ports -T --tcp-ns -U --udp-ns',
    '-I --ns-ifname -m --mtu --ns-mac-addr -l --log-file --log-size -p --pcap -H --hostname --fqdn',
    '--map-host-loopback --map-guest-addr',
  ].flatMap((line) => line.split(' ')),
);

const WITHOUT = new Set(
  [
    '-4 --ipv4-only -6 --ipv6-only -q --quiet --config-net --dhcp-dns --dhcp-search --no-tcp --no-udp --no-icmp --no-dhcp',
    '--no-ndp --no-dhcpv6 --no-ra --no-map-gw --no-copy-routes --no-copy-addrs --no-splice --freebind --host-lo-to-ns-lo',
    '--map-gw',
  ].flatMap((line) => line.split(' ')),
);

const OWN: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    ['--netns', '--userns', '--netns-only', '--no-netns-quit', '--runas', '-F', '--fd'].map((name) => [
      name,
      'foster connects it to the container',
    ]),
  ),
  ...Object.fromEntries(
    ['-f', '--foreground', '-P', '--pid', '-d', '--debug', '--trace', '-e', '--stderr'].map((name) => [
      name,
      'foster starts and ends it',
    ]),
  ),
};

/**
 * Parses `--network pasta:OPTIONS`: Podman's, options of pasta(1) with commas between them, a value as a word of its own or after "=".
 * @param value all of it
 * @throws FosterError
 */
export function parsePasta(value: string): string[] {
  const words = value.slice('pasta'.length).replace(/^:/, '').split(',');
  const options = words.length === 1 && words[0] === '' ? [] : words;
  for (let at = 0; at < options.length; at++) {
    const option = options[at] ?? '';
    const [name = '', ...rest] = option.startsWith('--') ? option.split('=') : [option];
    const because = Object.hasOwn(OWN, name) ? OWN[name] : undefined;
    if (because !== undefined)
      throw unsupportedValue('--network', value, `${name}: ${because}`, 'leave it out');
    const takesValue = WITH_VALUE.has(name);
    if (!takesValue && !WITHOUT.has(name))
      throw flagError(
        '--network',
        value,
        `'${option}' is no option of pasta(1)`,
        'pasta:OPTION,OPTION,VALUE',
      );
    if (!takesValue && rest.length > 0) throw flagError('--network', value, `${name} has no value`);
    if (!takesValue || rest.length > 0) continue;
    at++;
    if (options[at] === undefined) throw flagError('--network', value, `${name} needs a value`);
  }
  return options;
}
