import { createHash } from 'node:crypto';
import {
  createReadStream,
  mkdirSync,
  openSync,
  readdirSync,
  readlinkSync,
  renameSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { Socket } from 'node:net';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { FosterError } from '../errors.js';
import { errnoNumber, errnoOf, errnoWords } from '../sys/errno.js';
import type { IdMaps } from '../sys/id-maps.js';
import { cachedTree, makeTree, mapsKey, rootsFolder, type Workplace, withLock } from './cache.js';
import { type Compression, compressionOf, MAGIC_SIZE } from './compression.js';
import type { RootOptions, RootTree } from './root.js';
import { startUnpacker } from './unpack.js';

/** Tar files: from a path or standard input to a tree in the cache, unpacked once per content. */
