/* Connects a new container to the network of its template, as src/container/network.ts and src/network/leases.ts do. */
#include "front.h"

#include <asm-generic/errno.h>
#include <asm/stat.h>
#include <linux/fcntl.h>
#include <linux/in.h>
#include <linux/stat.h>

enum { AF_INET = 2, SOCK_STREAM = 1, SOCK_DGRAM = 2 };
enum { MAX_STATE = 64 * 1024, MOST_ADDRESSES = 65536, LOCK_ATTEMPTS = 200 /* ms */ };

static const struct template_network *network_part(const struct template *template) {
  return (const struct template_network *)((const char *)template + run_part(template)->network);
}

/* The lock of the networks. Others hold it for some milliseconds. */
static int lock_networks(struct network *network) {
  network->lock = (int)sys_openat(network->folder, "lock", O_WRONLY | O_APPEND | O_CLOEXEC, 0);
  for (int i = 0; network->lock >= 0 && i < LOCK_ATTEMPTS; i++) {
    if (lock_file(network->lock, F_WRLCK)) return 1;
    SYSCALL2(__NR_nanosleep, ((s64[]){0, 1000000}), NULL);
  }
  return 0;
}

static void unlock_networks(struct network *network) {
  if (network->lock >= 0) sys_close(network->lock);
  network->lock = -1;
}

/* `{"pid":123,"start":"456",...`: puts an end to the second number. Returns 0 for any other text. */
static const char *find_start(char *state) {
  static const char first[] = "{\"pid\":", second[] = ",\"start\":\"";
  if (string_length(state) < sizeof first) return NULL;
  char *at = state + sizeof first - 1;
  while (*at >= '0' && *at <= '9') at++;
  for (u32 i = 0; second[i]; i++)
    if (*at++ != second[i]) return NULL;
  const char *start = at;
  while (*at >= '0' && *at <= '9') at++;
  return *at == '"' && at - start < STAT_FIELD_SIZE ? *at = 0, start : NULL;
}

/* What the holder's file says. find_start() ends the first of its two parts. */
static char holder_state[MAX_STATE];

/* Whether a rule leads the queries for names of this address to another name server: that of a container in several networks that had
 * the address before. Only Node takes such a rule away: src/network/resolvers.ts. */
static int is_led_elsewhere(const struct network *network) {
  char source[sizeof network->address + sizeof "saddr  "];
  const char *rest = holder_state + string_length(holder_state) + 1;
  append(append(append(source, "saddr "), network->address), " ");
  return contains(rest, source) || contains(rest, "\"rules\":\"unknown\"");
}

/* Whether pasta could not be started for a packet: Node warns of it. */
static int has_failed_outside(const struct network *network) {
  struct stat info;
  return SYSCALL4(__NR_newfstatat, network->folder, OUTSIDE_FAILURE, &info, AT_SYMLINK_NOFOLLOW) != -ENOENT;
}

/* Our lock of its file keeps it alive. One that is about to end holds the lock for a moment. */
static int lock_holder(struct network *network) {
  network->holder_lock = (int)sys_openat(network->folder, "holder", O_RDWR | O_APPEND | O_CLOEXEC, 0);
  for (int i = 0; network->holder_lock >= 0 && i < LOCK_ATTEMPTS; i++) {
    if (lock_file(network->holder_lock, F_RDLCK)) return own_file_size(network->holder_lock) >= 0;
    SYSCALL2(__NR_nanosleep, ((s64[]){0, 1000000}), NULL);
  }
  return 0;
}

/* Whether it runs. Its file is read. */
static int find_holder(struct network *network) {
  char *state = holder_state;
  long size = SYSCALL4(__NR_pread64, network->holder_lock, state, MAX_STATE, 0);
  if (size <= 0 || size == MAX_STATE) return 0;
  state[size] = 0;
  const char *start = find_start(state);
  int pid = start ? (int)read_number(state + sizeof "{\"pid\":" - 1) : 0;
  if (pid <= 0) return 0;
  if (network->holder >= 0) sys_close(network->holder);
  network->holder = (int)SYSCALL2(__NR_pidfd_open, pid, 0);
  return network->holder >= 0 && is_running_process(pid, start) && !is_exiting(pid);
}

/* Whether it is what it was when the template was made. */
static int is_same_holder(const struct template *template) {
  const struct template_network *part = network_part(template);
  const char *text = template_text(template, part->states), *rest = holder_state + string_length(holder_state) + 1;
  for (u32 i = 0; i < part->state_count; i++, text += string_length(text) + 1)
    if (!contains(rest, text)) return 0;
  return 1;
}

static int open_holder(struct template *template, struct network *network, int init) {
  if (!lock_holder(network)) return 0;
  int runs = find_holder(network) || (make_holder(template, network_part(template), network, init) && find_holder(network));
  return runs && is_same_holder(template);
}

/* The address by which this machine reaches others, as in /etc/hosts of the container. No packet is sent. */
int has_address(u32 wanted) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = 0x0900, .sin_addr = {0x016433c6 /* 198.51.100.1 */}};
  int size = sizeof address, fd = (int)SYSCALL3(__NR_socket, AF_INET, SOCK_DGRAM | O_CLOEXEC, 0);
  if (fd < 0) return 0;
  int is_known = SYSCALL3(__NR_connect, fd, &address, sizeof address) == 0 && SYSCALL3(__NR_getsockname, fd, &address, &size) == 0;
  sys_close(fd);
  return is_known && address.sin_addr.s_addr == wanted;
}

/* What is taken, by number. */
struct taken {
  u8 indexes[INTERFACES] /* from FIRST_INTERFACE on */, addresses[MOST_ADDRESSES];
};

/* Four numbers with dots between them; 0 if it is anything else. */
static u32 parse_address(const char *text) {
  u32 address = 0;
  for (int i = 0; i < 4; i++) {
    u32 number = 0, digits = 0;
    for (; *text >= '0' && *text <= '9' && digits < 3; text++, digits++) number = number * 10 + (u32)(*text - '0');
    if (!digits || number > 255 || (i < 3 && *text++ != '.')) return 0;
    address = address << 8 | number;
  }
  return *text && *text != ',' ? 0 : address;
}

static void note_address(struct taken *taken, const struct template_network *part, u32 address) {
  if (address >= part->first && address <= part->last && address - part->first < MOST_ADDRESSES) taken->addresses[address - part->first] = 1;
}

/* "INDEX,ID,ADDRESS", maybe with one more address. */
static void note_lease(struct taken *taken, const struct template_network *part, const char *name) {
  u32 index = read_number(name);
  if (index >= FIRST_INTERFACE && index - FIRST_INTERFACE < INTERFACES) taken->indexes[index - FIRST_INTERFACE] = 1;
  for (; *name; name++)
    if (*name == ',') note_address(taken, part, parse_address(name + 1));
}

/* The address of a container, from the name of a lease; 0 if it is another one's. */
static int copy_address(const char *name, const char *id, char address[16]) {
  while (*name && *name != ',') name++;
  if (!*name++) return 0;
  while (*id && *name == *id) name++, id++;
  if (*id || *name++ != ',' || !parse_address(name)) return 0;
  u32 length = 0;
  while (name[length] && name[length] != ',' && length < 15) address[length] = name[length], length++;
  return !name[length];
}

/* Holds the networks that a pod is in, or below, for a container that joins it, which gets the address of the pod. */
int hold_pod_network(const struct template_pod *part, const struct pod *pod, struct values *values, struct network *network) {
  static char buffer[32 * 1024] __attribute__((aligned(8)));
  struct stat info;
  int found = 0;
  if (part->network == POD_NETWORK_NONE) return 1;
  network->folder = (int)sys_openat(pod->infra.data, "networks", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0);
  if (network->folder < 0 || !is_own(network->folder, S_IFDIR, &info)) return 0;
  network->holder_lock = (int)sys_openat(network->folder, "holder", O_RDWR | O_APPEND | O_CLOEXEC, 0);
  if (network->holder_lock < 0 || !lock_file(network->holder_lock, F_RDLCK)) return 0;
  if (part->network == POD_NETWORK_BELOW) return 1;
  int leases = (int)sys_openat(network->folder, "leases", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0);
  for (long size; leases >= 0 && (size = SYSCALL3(__NR_getdents64, leases, buffer, sizeof buffer)) > 0;)
    for (long at = 0; at < size; at += ((struct entry *)(buffer + at))->size)
      found += copy_address(((struct entry *)(buffer + at))->name, pod->infra.id, network->address);
  if (leases >= 0) sys_close(leases);
  values->texts[CODE_ADDRESS] = network->address;
  return found == 1;
}

static int list_leases(struct taken *taken, const struct template_network *part, int folder) {
  static char buffer[32 * 1024] __attribute__((aligned(8)));
  int leases = (int)sys_openat(folder, "leases", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0);
  long size;
  if (leases < 0) return 0;
  while ((size = SYSCALL3(__NR_getdents64, leases, buffer, sizeof buffer)) > 0)
    for (long at = 0; at < size; at += ((struct entry *)(buffer + at))->size)
      note_lease(taken, part, ((struct entry *)(buffer + at))->name);
  sys_close(leases);
  return size == 0;
}

/* Looks from `first` on, and then from the beginning. */
static u32 first_free(const u8 *taken, u32 first, u32 end) {
  for (u32 i = 0; i < end; i++)
    if (!taken[(first + i) % end]) return (first + i) % end;
  return end;
}

/* Fills the texts, and the holes of the messages that make the interface. */
static int fill_network(struct template *template, struct network *network, u32 index, u32 address) {
  char device[DEVICE_SIZE] = "v", digits[12], start[STAT_FIELD_SIZE];
  u8 octets[] = {(u8)(address >> 24), (u8)(address >> 16), (u8)(address >> 8), (u8)address};
  u64 self = (u64)SYSCALL0(__NR_getpid);
  char *text = network->address, *mac = append(network->mac, "02:42"), *end = digits;
  for (int i = 0; i < 4; i++) {
    text = append_number(append(text, i ? "." : ""), octets[i]);
    mac = append_octet(append(mac, ":"), octets[i]);
    end = append_octet(end, octets[i]);
  }
  append_number(network->index, index);
  append_number(device + 1, index);
  process_start((int)self, start);
  append(append(append(append_number(append(network->starter, "{\"pid\":"), self), ",\"start\":\""), start), "\"}");
  return fill_holes(template, (const void *const[HOLE_END]){[HOLE_INDEX] = &index, [HOLE_DEVICE] = device, [HOLE_ADDRESS] = octets, [HOLE_DIGITS] = digits});
}

/* Chooses as src/network/leases.ts does. */
static int choose(struct template *template, struct network *network) {
  static struct taken taken;
  const struct template_network *part = network_part(template);
  const u32 *except = (const u32 *)((const char *)template + part->except);
  if (part->last < part->first || !list_leases(&taken, part, network->folder)) return 0;
  for (u32 i = 0; i < part->except_count; i++) note_address(&taken, part, except[i]);
  u32 count = part->last - part->first < MOST_ADDRESSES - 1 ? part->last - part->first + 1 : MOST_ADDRESSES;
  u32 index = first_free(taken.indexes, (u32)(now_ms() % INTERFACES), INTERFACES), address = first_free(taken.addresses, 0, count);
  if (index == INTERFACES || address == count) return 0;
  return fill_network(template, network, FIRST_INTERFACE + index, part->first + address);
}

/* A socket at a port that the kernel chooses; -1 if there is none. */
static int take_port(const struct template_port *port, u32 *number) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = 0, .sin_addr = {port->address}};
  int size = sizeof address, fd = (int)SYSCALL3(__NR_socket, AF_INET, (port->is_udp ? SOCK_DGRAM : SOCK_STREAM) | O_CLOEXEC, 0);
  if (fd < 0) return -1;
  int is_taken = SYSCALL3(__NR_bind, fd, &address, size) == 0 && (port->is_udp || SYSCALL2(__NR_listen, fd, 1) == 0) &&
                 SYSCALL3(__NR_getsockname, fd, &address, &size) == 0;
  *number = (u32)(address.sin_port >> 8 | (address.sin_port & 255) << 8);
  if (is_taken) return fd;
  return sys_close(fd), -1;
}

/* Free ports, as resolvePorts in src/network/ports.ts chooses them. They are taken all at once, so that they are different, and only for a
 * moment: the program that listens there takes them again. */
static int choose_ports(struct template *template, struct values *values, struct network *network) {
  const struct template_network *part = network_part(template);
  const void *holes[HOLE_END] = {NULL};
  char digits[MOST_PORTS][5];
  int sockets[MOST_PORTS], is_whole = 1;
  u32 count = part->port_count, number = 0;
  for (u32 i = 0; i < count; i++) {
    sockets[i] = take_port((const struct template_port *)((const char *)template + part->ports) + i, &number);
    is_whole &= sockets[i] >= 0;
    append_number(network->ports[i], number);
    append_octet(append_octet(digits[i], number >> 8), number);
    holes[HOLE_PORT + i] = digits[i], values->texts[CODE_PORT + i] = network->ports[i];
  }
  for (u32 i = 0; i < count; i++)
    if (sockets[i] >= 0) sys_close(sockets[i]);
  return is_whole && (!count || fill_holes(template, holes));
}

static int put_file(int folder, const char *path, const char *text, size_t size) {
  int file = (int)sys_openat(folder, path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (file < 0) return 0;
  int is_written = sys_write(file, text, size) == (long)size;
  sys_close(file);
  if (!is_written) SYSCALL3(__NR_unlinkat, folder, path, 0);
  return is_written;
}

static int write_lease(const struct template *template, struct network *network, const struct values *values) {
  char text[MAX_PATH];
  const struct template_network *part = network_part(template);
  char *end = expand(text, text + sizeof text, template_text(template, part->lease), values);
  if (!end || !expand(network->lease, network->lease + sizeof network->lease, template_text(template, part->lease_name), values)) return 0;
  network->has_lease = put_file(network->folder, network->lease, text, (size_t)(end - text));
  if (network->has_lease) fault_point("lease taken");
  return network->has_lease;
}

/* Takes an address if the template is for a container in a network. Returns 0 if that cannot be done here. */
int take_lease(struct template *template, int data, int init, struct values *values, struct network *network) {
  struct stat info;
  if (!run_part(template)->network) return 1;
  values->texts[CODE_ADDRESS] = network->address, values->texts[CODE_INDEX] = network->index;
  values->texts[CODE_MAC] = network->mac, values->texts[CODE_STARTER] = network->starter;
  network->folder = (int)sys_openat(data, "networks", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0);
  int is_taken = network->folder >= 0 && is_own(network->folder, S_IFDIR, &info) && !has_failed_outside(network) && has_address(network_part(template)->host) &&
                 lock_networks(network) && open_holder(template, network, init) && choose(template, network) &&
                 !is_led_elsewhere(network) && choose_ports(template, values, network) && write_lease(template, network, values);
  unlock_networks(network);
  if (!is_taken) give_back_lease(template, network);
  return is_taken;
}

/* Makes it known in its network, and by its names there, as src/network/names.ts does. */
int announce(const struct template *template, const struct created *created, const struct values *values, struct network *network) {
  char text[MAX_PATH], fresh[ID_SIZE + 16];
  if (!run_part(template)->network) return 1;
  const struct template_network *part = network_part(template);
  const char *note = template_text(template, part->note), *path = template_text(template, part->names_file);
  if (!write_file(created, "networks", note, string_length(note), 0)) return 0;
  char *end = expand(text, text + sizeof text, template_text(template, part->names), values);
  if (!*path || !end) return !*path;
  append(append(fresh, created->id), ".names"); /* elsewhere, because dnsmasq would read an incomplete file */
  if (!put_file(network->folder, fresh, text, (size_t)(end - text))) return 0;
  network->has_names = SYSCALL5(__NR_renameat2, network->folder, fresh, network->folder, path, 0) >= 0;
  if (!network->has_names) SYSCALL3(__NR_unlinkat, network->folder, fresh, 0);
  return network->has_names;
}

void close_network(struct network *network) {
  if (network->holder >= 0) sys_close(network->holder);
  if (network->holder_lock >= 0) sys_close(network->holder_lock);
  if (network->folder >= 0) sys_close(network->folder);
  *network = (struct network)NO_NETWORK;
}

/* Undoes both. */
void give_back_lease(const struct template *template, struct network *network) {
  if (network->has_names) SYSCALL3(__NR_unlinkat, network->folder, template_text(template, network_part(template)->names_file), 0);
  if (network->has_lease) SYSCALL3(__NR_unlinkat, network->folder, network->lease, 0);
  close_network(network);
}
