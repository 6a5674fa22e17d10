import { Engine, type Entry, type EntryIterator, type Stats } from 'mosskv'
import { describe, expectTypeOf, test } from 'vitest'

// Checked by the compiler (`npm run lint`); `never called` keeps it from running.
describe('types', () => {
  test('encodings decide what keys and values are', () => {
    const check = async () => {
      const text = await Engine.open('x')
      expectTypeOf(text).toEqualTypeOf<Engine<string, string>>()
      expectTypeOf(await text.get('a')).toEqualTypeOf<string | undefined>()
      expectTypeOf(await text.getOrThrow('a')).toEqualTypeOf<string>()
      expectTypeOf(await text.getEntry('a')).toEqualTypeOf<Entry<string> | undefined>()
      await text.batch([{ type: 'put', key: 'a', value: 'b', ttl: 1 }])
      expectTypeOf(await text.getMany(['a'])).toEqualTypeOf<(string | undefined)[]>()
      expectTypeOf(text.iterator()).toEqualTypeOf<EntryIterator<[string, string], string>>()
      expectTypeOf(text.stats()).toEqualTypeOf<Stats>()

      const bytes = await Engine.open('x', { keyEncoding: 'buffer', valueEncoding: 'view' })
      expectTypeOf(bytes).toEqualTypeOf<Engine<Buffer, Uint8Array>>()
      await bytes.put(new Uint8Array(1), Buffer.alloc(1))
      for await (const key of bytes.keys({ gte: new Uint8Array(1) }))
        expectTypeOf(key).toEqualTypeOf<Buffer>()

      interface User {
        name: string
      }
      const users = await Engine.open<string, User>('x', { valueEncoding: 'json' })
      expectTypeOf(await users.get('a')).toEqualTypeOf<User | undefined>()
      const any = await Engine.open('x', { valueEncoding: 'json' })
      await any.put('a', { anything: [1] })

      // @ts-expect-error: a number is no key
      await text.put(1, 'a')
      // @ts-expect-error: a Buffer is no value of a database of strings
      await text.put('a', Buffer.alloc(1))
      // @ts-expect-error: a user has a name
      await users.put('a', {})
      // @ts-expect-error: objects need the json encoding
      await Engine.open<string, User>('x', {})
      // @ts-expect-error: no such option
      await Engine.open('x', { memtableByte: 1 })
      // @ts-expect-error: no such durability
      await text.put('a', 'b', { durability: 'ram' })
      // @ts-expect-error: a delete does not expire
      await text.del('a', { ttl: 1 })
      // @ts-expect-error: no such operation
      await text.batch([{ type: 'merge', key: 'a' }])
      // @ts-expect-error: a put has a value
      await text.batch([{ type: 'put', key: 'a' }])
    }
    expectTypeOf(check).returns.resolves.toBeVoid()
  })
})
