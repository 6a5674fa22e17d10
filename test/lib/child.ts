import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const entry = new URL('../../dist/index.mjs', import.meta.url).href

export const packageRoot = fileURLToPath(new URL('../../', import.meta.url))

/** What became of a Node process. */
export interface Outcome {
  stdout: string
  stderr: string
  status: number | null
  signal: NodeJS.Signals | null
}

/** Runs `code`, an ES module that has `Engine`, in a Node process of its own. */
export function runNode(code: string, flags: string[] = []): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const source = `import { Engine } from ${JSON.stringify(entry)}\n${code}`
    const child = spawn(process.execPath, [...flags, '--input-type=module', '-e', source], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let [stdout, stderr] = ['', '']
    child.stdout.on('data', data => {
      stdout += data
    })
    child.stderr.on('data', data => {
      stderr += data
    })
    child.on('error', reject)
    child.on('close', (status, signal) => {
      if (stderr) process.stderr.write(stderr)
      resolve({ stdout, stderr, status, signal })
    })
  })
}

/** Starts `code` as above, to be killed. Lines it prints come through `onLine`. */
export function startNode(code: string, onLine: (line: string) => void) {
  const source = `import { Engine } from ${JSON.stringify(entry)}\n${code}`
  const child = spawn(process.execPath, ['--input-type=module', '-e', source], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let rest = ''
  child.stdout.on('data', data => {
    const lines = (rest + data).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) onLine(line)
  })
  const closed = new Promise<NodeJS.Signals | null>(resolve =>
    child.on('close', (_, signal) => resolve(signal)),
  )
  return { kill: () => child.kill('SIGKILL'), closed }
}
