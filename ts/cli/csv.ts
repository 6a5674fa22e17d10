// CSV as RFC 4180 has it: fields in quotes may hold commas, newlines and doubled quotes.

import { Failure } from './failure.js'

/** A row, and the line it begins in. */
export interface Row {
  fields: string[]
  line: number
}

enum At {
  /** Before the first character of a field. */
  Start,
  /** In a field without quotes. */
  Plain,
  /** Between quotes. */
  Quoted,
  /** Behind a quote that may end the field or be the first of two. */
  Quote,
}

/** Takes a text in pieces and gives rows. Empty lines are no rows. */
export class CsvReader {
  #at = At.Start
  #field = ''
  #fields: string[] = []
  #line = 1
  #begun = 1;

  /** The rows that are complete with `text`. Throws a `Failure` with the line for a misplaced quote, behind them. */
  *push(text: string): Generator<Row> {
    for (let i = 0; i < text.length; i++) {
      const character = text[i] as string
      if (this.#at === At.Quoted) {
        const end = text.indexOf('"', i)
        const piece = end < 0 ? text.slice(i) : text.slice(i, end)
        this.#field += piece
        this.#line += piece.split('\n').length - 1
        if (end < 0) break
        i = end
        this.#at = At.Quote
      } else if (character === ',') this.#endField()
      else if (character === '\n') {
        yield* this.#endRow()
        this.#line++
        this.#begun = this.#line
      } else if (character === '"') {
        if (this.#at === At.Plain)
          throw new Failure(
            `line ${this.#line} has a quote inside a field without quotes: write it as "…""…"`,
          )
        if (this.#at === At.Quote) this.#field += '"'
        this.#at = At.Quoted
      } else if (this.#at === At.Quote) {
        if (character !== '\r')
          throw new Failure(`line ${this.#line} has ${JSON.stringify(character)} behind a closing quote`)
      } else {
        this.#at = At.Plain
        this.#field += character
      }
    }
  }

  /** The row that no newline ends. Throws a `Failure` when a quote was not closed. */
  *end(): Generator<Row> {
    if (this.#at === At.Quoted) throw new Failure(`line ${this.#begun} has a quote that is never closed`)
    yield* this.#endRow()
  }

  #endField(): void {
    this.#fields.push(this.#field)
    this.#field = ''
    this.#at = At.Start
  }

  *#endRow(): Generator<Row> {
    if (this.#at === At.Plain && this.#field.endsWith('\r')) this.#field = this.#field.slice(0, -1)
    const empty = this.#fields.length === 0 && this.#field === '' && this.#at !== At.Quote
    if (empty) {
      this.#at = At.Start
      return
    }
    this.#endField()
    const row = { fields: this.#fields, line: this.#begun }
    this.#fields = []
    yield row
  }
}

/** A field, in quotes if it needs them. */
export function csvField(text: string): string {
  return text === '' || /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
