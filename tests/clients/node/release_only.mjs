// Imported first by what tests the page more than the server, and takes long: it is skipped where the server is another
// one than that of release.
import { basename, dirname } from 'node:path';

const EXIT_SKIPPED = 77;
const variant = basename(dirname(process.env.CORSAC_BIN));
if (['asan', 'tsan', 'coverage', 'debug'].includes(variant)) process.exit(EXIT_SKIPPED);
