// SPDX-License-Identifier: Apache-2.0

package jpyexec

// Package toolchain adds this file, and calls of its functions, to GoNB's package jpyexec, which runs the programs of
// cells.

import (
	"io"
	"os"
	osexec "os/exec"
	"sync"
	"syscall"
	"time"
	"unicode/utf8"
)

// copyText copies the output of a program. The writer turns each piece into a JSON message, in which an incomplete
// character would become U+FFFD, so a character that a read has split is held back until the rest of it arrives.
func copyText(w io.Writer, r io.Reader) (copied int64, err error) {
	buffer := make([]byte, 32<<10)
	held := 0 // bytes of an incomplete character, at the front of buffer
	for {
		n, err := r.Read(buffer[held:])
		text := buffer[:held+n]
		held = 0
		if err == nil {
			held = begun(text)
		}
		whole := text[:len(text)-held]
		if len(whole) > 0 {
			written, err := w.Write(whole)
			copied += int64(written)
			if err != nil {
				return copied, err
			}
		}
		if err == io.EOF {
			return copied, nil
		}
		if err != nil {
			return copied, err
		}
		copy(buffer, text[len(whole):])
	}
}

// begun returns the number of bytes of an incomplete character at the end of text.
func begun(text []byte) int {
	for n := 1; n < utf8.UTFMax && n <= len(text); n++ {
		if end := text[len(text)-n:]; utf8.RuneStart(end[0]) {
			if utf8.FullRune(end) {
				return 0
			}
			return n
		}
	}
	return 0
}

// openStdin sets the program's standard input and returns a writer to it. The input is the named pipe LATERAL_STDIN,
// which gives end of file while the kernel does not have it open for writing.
func (exec *Executor) openStdin() (io.WriteCloser, error) {
	path := os.Getenv("LATERAL_STDIN")
	if path == "" || exec.stdinContent != nil || exec.millisecondsToInput > 0 {
		return exec.cmd.StdinPipe()
	}
	// Without O_NONBLOCK, opening it would wait for a writer.
	fd, err := syscall.Open(path, syscall.O_RDONLY|syscall.O_NONBLOCK|syscall.O_CLOEXEC, 0)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: path, Err: err}
	}
	if err := syscall.SetNonblock(fd, false); err != nil { // programs do not expect it
		return nil, err
	}
	file := os.NewFile(uintptr(fd), path)
	exec.cmd.Stdin = file
	return &stdin{file, path}, nil
}

// stdin is the standard input of a running program.
type stdin struct {
	*os.File // the program's end
	path     string
}

// Write gives the program an answer that it has asked for with gonbui.RequestInput.
func (s *stdin) Write(answer []byte) (int, error) {
	w, err := os.OpenFile(s.path, os.O_WRONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return 0, err
	}
	defer w.Close()
	return w.Write(answer)
}

// lingering is how long to wait for more output after a program has ended, while other processes hold it open.
const lingering = 200 * time.Millisecond

// wait waits until the program has ended and its output has been copied. If background processes hold the output
// open, it returns soon after the program's end, and their output is copied when it comes.
func (exec *Executor) wait(copying *sync.WaitGroup) error {
	state, err := exec.cmd.Process.Wait()
	copied := make(chan struct{})
	go func() {
		copying.Wait()
		close(copied)
	}()
	select {
	case <-copied:
	case <-time.After(lingering):
		stdout, stderr := exec.cmdStdout, exec.cmdStderr
		exec.cmdStdout, exec.cmdStderr = io.NopCloser(nil), io.NopCloser(nil) // done closes them
		go func() {
			<-copied
			stdout.Close()
			stderr.Close()
		}()
	}
	if err == nil && !state.Success() {
		err = &osexec.ExitError{ProcessState: state}
	}
	return err
}
