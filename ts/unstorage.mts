export * from './unstorage.js'
export { mossDriver as default } from './unstorage.js'
