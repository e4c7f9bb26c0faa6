import { type FileHandle, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { syncFolder } from './spool-folder.ts';

/** One file of the spool while it is written: each `append` is on disk when it resolves. For one caller at a time. */
export class SpoolFile {
  readonly path: string;
  readonly #handle: FileHandle;
  #bytes = 0;

  private constructor(path: string, handle: FileHandle) {
    this.path = path;
    this.#handle = handle;
  }

  /** Never opens a file that is there, nor one that a link points to. */
  static async create(path: string): Promise<SpoolFile> {
    return new SpoolFile(path, await open(path, 'wx', 0o600));
  }

  /** How much of it counts. */
  get bytes(): number {
    return this.#bytes;
  }

  /** After a rejection nothing more may be appended: `close` it. What it may have written is cut off again, as far as that can be done. */
  async append(frame: Buffer): Promise<void> {
    try {
      let written = 0;
      while (written < frame.length) {
        const { bytesWritten } = await this.#handle.write(
          frame,
          written,
          frame.length - written,
          this.#bytes + written,
        );
        written += bytesWritten;
      }
      await this.#handle.datasync();
      // On disk, and yet gone with the process: somebody has removed the file.
      const { nlink } = await this.#handle.stat();
      if (nlink === 0) throw Object.assign(new Error('The file was removed.'), { code: 'ENOENT' });
      // The file's own name, too.
      if (this.#bytes === 0) await syncFolder(dirname(this.path));
      this.#bytes += frame.length;
    } catch (error) {
      await this.#cut().catch(() => {});
      throw error;
    }
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }

  async #cut(): Promise<void> {
    await this.#handle.truncate(this.#bytes);
    await this.#handle.datasync();
  }
}
