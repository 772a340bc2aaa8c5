/** Programs from Debian's packages, as people run them. All share one image, because to bootstrap Debian takes longest. */
import './real-programs/servers.js';
import './real-programs/compose.js';
