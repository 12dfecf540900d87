// SPDX-License-Identifier: Apache-2.0

package grade

import (
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// superviseWord is the first argument of a program that supervises a check.
const superviseWord = "supervise-check"

// How a supervisor ends, beside the exit status of its program.
const (
	exitTimeout = 124
	exitTrouble = 125
	exitSignal  = 128 // plus the signal
)

// Supervise makes this process the supervisor of a check, if its arguments say
// so, and does not return then; a program that calls [Grade] calls it first. The
// supervisor limits the time, the memory and the files of its program and of all
// that this starts, and does not end before they have ended. On Linux that holds
// for processes in sessions of their own, too.
func Supervise() {
	if len(os.Args) < 5 || os.Args[1] != superviseWord {
		return
	}
	code, err := supervise(os.Args[2], os.Args[3], os.Args[4:])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(code)
}

// supervise runs argv within a limit of bytes and seconds.
func supervise(memory, limit string, argv []string) (code int, err error) {
	runtime.LockOSThread() // whose end the child would take for that of the process
	bytes, err := strconv.ParseUint(memory, 10, 64)
	if err != nil {
		return exitTrouble, fmt.Errorf("grade: %w", err)
	}
	seconds, err := strconv.ParseFloat(limit, 64)
	if err != nil {
		return exitTrouble, fmt.Errorf("grade: %w", err)
	}
	if err := limitResources(bytes, seconds); err != nil {
		return exitTrouble, err
	}
	if err := contain(); err != nil {
		return exitTrouble, err
	}
	ends := make(chan os.Signal, 1)
	signal.Notify(ends, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
	cmd := exec.Command(argv[0], argv[1:]...)
	secret, report := os.NewFile(3, "secret"), os.NewFile(4, "report")
	cmd.Stdout, cmd.Stderr, cmd.ExtraFiles = os.Stdout, os.Stderr, []*os.File{secret, report}
	cmd.SysProcAttr = childAttributes()
	if err := cmd.Start(); err != nil {
		return exitTrouble, fmt.Errorf("grade: %w", err)
	}
	secret.Close()
	report.Close()
	defer killAll(cmd.Process.Pid)

	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	var timeout <-chan time.Time
	if seconds > 0 {
		timeout = time.After(time.Duration(seconds * float64(time.Second)))
	}
	select {
	case <-timeout:
		return exitTimeout, nil
	case <-ends:
		return exitTimeout, nil
	case <-ended:
	}
	if status := cmd.ProcessState.Sys().(syscall.WaitStatus); status.Signaled() {
		return exitSignal + int(status.Signal()), nil
	}
	return cmd.ProcessState.ExitCode(), nil
}

// limitResources limits this process and all that it starts.
func limitResources(memory uint64, seconds float64) error {
	limits := map[int]uint64{
		unix.RLIMIT_CORE:  0,
		unix.RLIMIT_FSIZE: 1 << 30,
	}
	if memory > 0 {
		limits[unix.RLIMIT_DATA] = memory
	}
	if seconds > 0 { // should the supervisor itself be killed
		limits[unix.RLIMIT_CPU] = uint64(seconds)*uint64(runtime.NumCPU()) + 10
	}
	for resource, limit := range limits {
		if err := unix.Setrlimit(resource, &unix.Rlimit{Cur: limit, Max: limit}); err != nil {
			return fmt.Errorf("grade: limit resources: %w", err)
		}
	}
	return nil
}
