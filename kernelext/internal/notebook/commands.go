// SPDX-License-Identifier: Apache-2.0

package notebook

import "strings"

// Commands tells which lines of a code cell are commands to the kernel, such as
// %env or !ls, and not Go. Lines within a string literal or a comment are none,
// whatever they begin with; a line that ends in a backslash goes on in the next.
func Commands(source string) []bool {
	var commands []bool
	within, continued := byte(0), false // an open raw string (`) or comment (*)
	for line := range strings.SplitSeq(source, "\n") {
		line = strings.TrimSuffix(line, "\r")
		is := continued
		if within == 0 {
			command := strings.TrimPrefix(line, "//gonb:")
			is = is || len(command) > 1 && (command[0] == '%' || command[0] == '!')
		}
		commands = append(commands, is)
		continued = is && strings.HasSuffix(line, `\`)
		if !is {
			within = scanLine(line, within)
		}
	}
	return commands
}

// scanLine returns what is open at the end of a line of Go at whose beginning
// within is open.
func scanLine(line string, within byte) byte {
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case within == '`':
			if c == '`' {
				within = 0
			}
		case within == '*':
			if c == '*' && strings.HasPrefix(line[i:], "*/") {
				within = 0
				i++
			}
		case within != 0: // in "..." or '...'
			if c == '\\' {
				i++
			} else if c == within {
				within = 0
			}
		case c == '`' || c == '"' || c == '\'':
			within = c
		case strings.HasPrefix(line[i:], "//"):
			return 0
		case strings.HasPrefix(line[i:], "/*"):
			within = '*'
			i++
		}
	}
	if within == '"' || within == '\'' { // these end with their line
		return 0
	}
	return within
}

// Split divides a code cell into its declarations and the program below its
// first line %%. Commands are blank in both, so that both have the cell's line
// numbers; program is "" if there is no such line.
func Split(source string) (declarations, program string) {
	var above, below []string
	begun := false
	commands := Commands(source)
	for i, line := range strings.Split(source, "\n") {
		command := strings.TrimPrefix(strings.TrimRight(line, "\r"), "//gonb:")
		if commands[i] {
			line = ""
		}
		if begun {
			below = append(below, line)
			continue
		}
		if begun = commands[i] && beginsProgram(command); begun {
			below = make([]string, len(above)+1)
			continue
		}
		above = append(above, line)
	}
	return strings.Join(above, "\n"), strings.Join(below, "\n")
}

// beginsProgram tells whether a command begins the cell's program.
func beginsProgram(command string) bool {
	return command == "%%" || strings.HasPrefix(command, "%% ") || strings.HasPrefix(command, "%%\t") || strings.HasPrefix(command, "%main")
}

// IsScript tells whether a cell is not Go but the input of a command in its
// first line, such as a shell script or a file to write.
func IsScript(source string) bool {
	first, _, _ := strings.Cut(strings.TrimPrefix(source, "//gonb:"), "\n")
	name := ""
	if words := strings.Fields(first); len(words) > 0 {
		name = words[0]
	}
	switch name {
	case "%%writefile", "%%script", "%%bash", "%%sh", "%%gx":
		return true
	}
	return false
}
