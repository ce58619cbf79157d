// Here-documents written with `<<-`: leading tabs are for the reader's eyes.

export function stripTabs(content: string): string {
  return content.replace(/^\t+/gm, "");
}
