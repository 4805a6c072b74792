// Choices that outlive the page, where the browser lets us keep them.

export function recall(name: string): string | null {
  try {
    return localStorage.getItem(`jaego.${name}`);
  } catch {
    return null;
  }
}

export function remember(name: string, value: string): void {
  try {
    localStorage.setItem(`jaego.${name}`, value);
  } catch {
    // Private windows refuse; the choice then lasts as long as the page.
  }
}
