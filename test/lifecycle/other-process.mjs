/** Another process: opens a database and says what came of it; or, told to `wait`, only waits to be ended. */
import { Engine } from '../../dist/index.mjs'

const [path, options] = process.argv.slice(2)
if (path === 'wait') {
  process.send('here')
  setInterval(() => {}, 1000)
} else {
  try {
    const e = await Engine.open(path, JSON.parse(options))
    const value = await e.get('b')
    await e.close()
    process.send({ value })
  } catch ({ code, message }) {
    process.send({ code, message })
  }
  process.disconnect()
}
