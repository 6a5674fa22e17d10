// All commands there are.

import { bench } from './bench.js'
import type { Command } from './command.js'
import { compact } from './compact.js'
import { count } from './count.js'
import { del } from './del.js'
import { destroy } from './destroy.js'
import { dump } from './dump.js'
import { get } from './get.js'
import { load } from './load.js'
import { open } from './open.js'
import { put } from './put.js'
import { scan } from './scan.js'
import { stats } from './stats.js'
import { tree } from './tree.js'
import { verify } from './verify.js'

/** Every command. */
export const COMMANDS: readonly Command[] = [
  open,
  get,
  put,
  del,
  scan,
  count,
  load,
  dump,
  stats,
  tree,
  verify,
  compact,
  bench,
  destroy,
]
