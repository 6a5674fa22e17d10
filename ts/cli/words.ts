// The words of a line at the prompt, quoted as in a shell.

import { UsageError } from './failure.js'

/** Splits a line at its spaces; `'…'`, `"…"` and `\` keep them. Throws a `UsageError` for an open quote. */
export function words(line: string): string[] {
  const found: string[] = []
  let word: string | undefined
  let quote = ''
  for (let i = 0; i < line.length; i++) {
    const character = line[i] as string
    if (quote !== '') {
      if (character === quote) quote = ''
      else if (character === '\\' && quote === '"' && /["\\]/.test(line[i + 1] ?? ''))
        word += line[++i] as string
      else word += character
    } else if (character === '"' || character === "'") {
      quote = character
      word ??= ''
    } else if (character === '\\' && i + 1 < line.length) {
      word = (word ?? '') + line[++i]
    } else if (/\s/.test(character)) {
      if (word !== undefined) found.push(word)
      word = undefined
    } else word = (word ?? '') + character
  }
  if (quote !== '') throw new UsageError(`a ${quote} is never closed`)
  if (word !== undefined) found.push(word)
  return found
}

/** A word as it has to be typed. */
export function quoted(word: string): string {
  return /^[^\s"'\\-][^\s"'\\]*$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`
}
