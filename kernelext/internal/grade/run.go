// SPDX-License-Identifier: Apache-2.0

package grade

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// An outcome is how the run of a check ended.
type outcome struct {
	tests  []string // passed, failed, skipped or stopped; nil if the tests did not run to their end
	exit   int      // status of the supervisor
	said   string   // standard output, at most maxSaid of it
	errors string   // standard error, at most maxSaid of it
}

// maxSaid is how much of a check's output is kept.
const maxSaid = 1 << 20

// runCheck runs a program of tests. What it reports counts only behind a secret of
// this run.
func runCheck(ctx context.Context, program string, o Options) (*outcome, error) {
	secret := rand.Text()
	secretReader, secretWriter, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("grade: %w", err)
	}
	defer secretReader.Close()
	defer secretWriter.Close()
	reportReader, reportWriter, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("grade: %w", err)
	}
	defer reportReader.Close()
	defer reportWriter.Close()
	if _, err := secretWriter.WriteString(secret); err != nil {
		return nil, fmt.Errorf("grade: %w", err)
	}
	secretWriter.Close()

	cmd := exec.CommandContext(ctx, o.Supervisor,
		superviseWord, strconv.FormatInt(o.Memory, 10), fmt.Sprint(o.TimeLimit.Seconds()),
		program, "-test.v", "-test.run=^TestExercise$", "-test.paniconexit0", "-test.timeout=0")
	var said, errs head
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = o.Dir, o.Env, &said, &errs
	cmd.ExtraFiles = []*os.File{secretReader, reportWriter}
	cmd.SysProcAttr = supervisorAttributes()
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) } // it ends all that it has started
	cmd.WaitDelay = 10 * time.Second
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("grade: %w", err)
	}
	reportWriter.Close()
	report := make(chan []byte, 1)
	go func() {
		b, _ := io.ReadAll(io.LimitReader(reportReader, 64<<10)) // what is cut off counts for nothing
		report <- b
	}()
	err = cmd.Wait()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) && !errors.Is(err, exec.ErrWaitDelay) {
		return nil, fmt.Errorf("grade: %w", err)
	}
	out := &outcome{exit: cmd.ProcessState.ExitCode(), said: said.String(), errors: errs.String()}
	if out.exit == exitTrouble && strings.HasPrefix(out.errors, "grade: ") {
		return nil, errors.New(strings.TrimSpace(out.errors))
	}
	reportReader.SetReadDeadline(time.Now().Add(time.Second)) // should another process hold the pipe
	out.tests = readReport(<-report, secret)
	return out, nil
}

// readReport returns the outcomes of tests in a report that begins with the
// secret, nil for any other.
func readReport(report []byte, secret string) []string {
	var code int
	line, rest, ok := bytes.Cut(report, []byte("\n"))
	fields := strings.SplitN(string(line), " ", 3)
	if !ok || len(rest) > 0 || len(fields) != 3 || fields[0] != secret {
		return nil
	}
	if _, err := fmt.Sscan(fields[1], &code); err != nil {
		return nil
	}
	var tests []string
	for _, quoted := range strings.Fields(strings.Trim(fields[2], "[]")) {
		test, err := strconv.Unquote(quoted)
		if err != nil {
			return nil
		}
		tests = append(tests, test)
	}
	if code != 0 && !slices.Contains(tests, "failed") {
		return nil
	}
	return tests
}

// head keeps the beginning of what is written to it.
type head struct{ bytes.Buffer }

func (h *head) Write(b []byte) (int, error) {
	h.Buffer.Write(b[:min(len(b), maxSaid-h.Len())])
	return len(b), nil
}

var (
	testLine = regexp.MustCompile(`(?m)^\s*\S*_test\.go:\d+: (.*)$`)
	// The last two are how Go's runtime fails where it does not look whether it got memory.
	memory = regexp.MustCompile(
		`(?m)out of memory|cannot allocate memory|unexpected signal during runtime execution|^SIGSEGV: `)
	panicLine  = regexp.MustCompile(`(?m)^\s*(?:panic: |fatal error: )(.*?)(?: \[recovered.*)?$`)
	answerLine = regexp.MustCompile(`/answer\.go:(\d+)`)
)

// judge turns the outcome of a check into a mark and a line that helps.
func judge(out *outcome, answer string, limit time.Duration) Mark {
	feedback := ""
	if m := testLine.FindStringSubmatch(out.said); m != nil {
		feedback = m[1]
	}
	broken := func(format string, args ...any) Mark {
		return Mark{State: Broken, Feedback: fmt.Sprintf(format, args...)}
	}
	text := out.errors + "\n" + out.said // a test's panic is on either
	switch {
	case len(out.tests) > 0 && slices.Contains(out.tests, "failed"):
		return Mark{State: Wrong, Feedback: feedback}
	case len(out.tests) > 0 && slices.Contains(out.tests, "skipped"):
		return Mark{State: Unsolved, Feedback: feedback}
	case len(out.tests) > 0 && !slices.Contains(out.tests, "stopped"):
		return Mark{State: Right, Feedback: "right"}
	case out.exit == exitTimeout:
		return broken("the check did not end within %v: is there a loop that never ends?", limit)
	case memory.MatchString(out.errors), out.exit == exitSignal+int(syscall.SIGKILL):
		return broken("the code needs more memory than it may have: does something grow without end?")
	}
	if m := panicLine.FindStringSubmatch(text); m != nil {
		at := ""
		if l := answerLine.FindStringSubmatch(text); l != nil {
			n, _ := strconv.Atoi(l[1])
			at = place(answer, n)
		}
		return broken("the code panics%s: %s", at, m[1])
	}
	return broken("the check did not run to its end: does the code end the program?")
}
