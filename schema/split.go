package schema

import "bytes"

// segment is the part of a file that holds one document: from its --- line, if it has one, to the next. Lines count
// from 0. YAML forbids --- and ... at the start of a line inside any document, so that cutting there is exact.
type segment struct {
	start, body, end int // offsets: of the segment, of what follows its ---, of what follows the segment
	line             int // on which the segment starts
}

// split cuts a file into segments, of which some may hold no document. Their bytes are the whole file.
func split(data []byte) []segment {
	current := segment{}
	var all []segment
	closeAt := func(offset, line int) {
		if current.end = offset; offset > current.start {
			all = append(all, current)
		}
		current = segment{start: offset, body: offset, line: line}
	}
	line := 0
	for at := 0; at < len(data); line++ {
		next := lineEnd(data, at)
		switch {
		case marker(data[at:next], "---"):
			closeAt(at, line)
			current.body = at + 3
		case marker(data[at:next], "..."):
			closeAt(next, line+1)
		}
		at = next
	}
	closeAt(len(data), line)
	return all
}

// lineEnd is the offset after the line that starts at or holds offset at.
func lineEnd(data []byte, at int) int {
	if n := bytes.IndexByte(data[at:], '\n'); n >= 0 {
		return at + n + 1
	}
	return len(data)
}

func marker(line []byte, mark string) bool {
	rest, ok := bytes.CutPrefix(line, []byte(mark))
	return ok && (len(rest) == 0 || bytes.IndexByte([]byte(" \t\r\n"), rest[0]) >= 0)
}
