import { restoreMedia } from '../../src/host/media-restore.ts';
import { collectMedia, readMediaList } from '../../src/host/media-store.ts';

// A process of its own, so that a test can kill it or look at its memory.
const [verb, uploads = '', backups = ''] = process.argv.slice(2);
const before = process.memoryUsage().rss;
let highest = before;
const timer = setInterval(() => {
  highest = Math.max(highest, process.memoryUsage().rss);
}, 5);
if (verb === 'collect') await collectMedia({ uploads, backups, previous: [], known: [] });
else await restoreMedia(await readMediaList(backups), { uploads, backups });
clearInterval(timer);
console.log(highest - before);
