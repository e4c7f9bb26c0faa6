import type { ComponentChildren } from 'preact';
import { Link } from './link.tsx';
import { useShell } from './shell.ts';

/** A column that the table can be sorted by, by a link. */
export interface SortableColumn {
  readonly name: string;
  readonly href: string;
  /** How it is sorted by this column now; absent: by another. */
  readonly sorted?: 'ascending' | 'descending' | undefined;
}

export interface DataTableProps {
  readonly caption: string;
  /** True: the caption is for screen readers only, because a heading beside it says the same. */
  readonly captionHidden?: boolean;
  readonly columns: readonly (string | SortableColumn)[];
  /** A row's cells in the order of the columns; the first names the row. Null: nothing to say, left out of the cards. */
  readonly rows: readonly { readonly key: string; readonly cells: readonly ComponentChildren[] }[];
}

/**
 * A table that turns into cards on a narrow screen. The roles say again what the elements mean, because browsers forget it
 * once CSS gives a table another `display`; each cell carries its column's name for the cards.
 */
export function DataTable({ caption, captionHidden = false, columns, rows }: DataTableProps) {
  const names = columns.map(nameOf);
  return (
    <table class="cs-table" {...role('table')}>
      <caption class={captionHidden ? 'cs-hidden' : 'cs-hint'}>{caption}</caption>
      <thead {...role('rowgroup')}>
        <tr {...role('row')}>
          {columns.map((column) => (
            <th
              key={nameOf(column)}
              scope="col"
              aria-sort={typeof column === 'string' ? undefined : column.sorted}
              {...role('columnheader')}
            >
              {typeof column === 'string' ? column : <Link href={column.href}>{column.name}</Link>}
            </th>
          ))}
        </tr>
      </thead>
      <tbody {...role('rowgroup')}>
        {rows.map((row) => (
          <tr key={row.key} {...role('row')}>
            {row.cells.map((cell, index) => (
              <Cell key={names[index]} column={names[index] ?? ''} first={index === 0}>
                {cell}
              </Cell>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

const nameOf = (column: string | SortableColumn): string => (typeof column === 'string' ? column : column.name);

interface CellProps {
  readonly column: string;
  readonly first: boolean;
  readonly children: ComponentChildren;
}

function Cell({ column, first, children }: CellProps) {
  const { common } = useShell().strings;
  const content = (
    <>
      <span class="cs-cell-label" aria-hidden="true">
        {column}
      </span>
      <span class="cs-cell">{children ?? common.empty}</span>
    </>
  );
  if (first) {
    return (
      <th scope="row" {...role('rowheader')}>
        {content}
      </th>
    );
  }
  return (
    <td class={children === null ? 'cs-cell-empty' : undefined} {...role('cell')}>
      {content}
    </td>
  );
}

type TableRole = 'table' | 'rowgroup' | 'row' | 'columnheader' | 'rowheader' | 'cell';

function role(name: TableRole): { readonly role: TableRole } {
  return { role: name };
}
