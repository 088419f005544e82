/** A `ref` for what is to have the focus once it is there. One and the same each time: another would take it at each drawing. */
export const focusOnce = (element: HTMLElement | null): void => element?.focus();
