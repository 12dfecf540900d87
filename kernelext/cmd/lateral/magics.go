// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/lateral-ml/lateral/data"
	"github.com/lateral-ml/lateral/kernelext"
	"github.com/lateral-ml/lateral/kernelext/internal/proxy"
	"github.com/lateral-ml/lateral/kernelext/internal/wire"
)

// magics are the kernel's commands beside GoNB's.
func magics(seen *comparisons) []proxy.Magic {
	return []proxy.Magic{
		{Name: "%profile", Usage: "%profile [quick|standard|paper]",
			Help:     "Show or choose the size of the runs of all later cells.",
			Complete: choices(kernelext.Quick, kernelext.Standard, kernelext.Paper), Run: profileMagic},
		{Name: "%memo", Usage: "%memo [forget NAME | limit SIZE]",
			Help:     "List what kernelext.Memo keeps, forget a value, or remove the oldest until SIZE (such as 2GB) is left.",
			Complete: completeMemo, Run: memoMagic},
		{Name: "%data", Usage: "%data [get NAME]", Help: "List the data sets and where they are, or download one.",
			Complete: completeData, Run: dataMagic},
		{Name: "%results", Usage: "%results",
			Help: "Show every comparison with a document that this kernel's cells have shown.",
			Run:  seen.run},
		{Name: "%doctor", Usage: "%doctor", Help: "Check what notebooks need on this machine and say how to mend it.",
			Run: func(ctx context.Context, c *proxy.Call) error {
				if err := examine(ctx, c, ""); err != nil && !errors.Is(err, context.Canceled) {
					fmt.Fprintln(c, err)
				}
				return nil
			}},
	}
}

// choices completes the first argument.
func choices(words ...string) func([]string) []string {
	return func(args []string) []string {
		if len(args) == 1 {
			return words
		}
		return nil
	}
}

func profileMagic(_ context.Context, c *proxy.Call) error {
	profiles := []string{kernelext.Quick, kernelext.Standard, kernelext.Paper}
	switch {
	case len(c.Args) == 0:
		fmt.Fprintln(c, "profile "+kernelext.Profile())
		return nil
	case len(c.Args) > 1 || !slices.Contains(profiles, c.Args[0]):
		return fmt.Errorf("the profiles are %s", strings.Join(profiles, ", "))
	}
	os.Setenv("LATERAL_PROFILE", c.Args[0]) // what the next %profile shows
	if err := c.Setenv("LATERAL_PROFILE", c.Args[0]); err != nil {
		return err
	}
	fmt.Fprintf(c, "profile %s, for the cells that run from here on\n", c.Args[0])
	return nil
}

func completeMemo(args []string) []string {
	switch {
	case len(args) == 1:
		return []string{"forget", "limit"}
	case len(args) == 2 && args[0] == "forget":
		list, _ := kernelext.List() // without a list there is nothing to offer
		var names []string
		for _, e := range list {
			names = append(names, e.Name)
		}
		return slices.Compact(names)
	}
	return nil
}

func memoMagic(_ context.Context, c *proxy.Call) error {
	switch {
	case len(c.Args) == 0:
		return listMemo(c)
	case c.Args[0] == "forget" && len(c.Args) > 1:
		name := strings.Join(c.Args[1:], " ") // names may hold spaces
		n, err := kernelext.Forget(name)
		if err == nil && n == 0 {
			err = fmt.Errorf("nothing is kept under the name %q; %%memo lists the names", name)
		}
		if err != nil {
			return err
		}
		fmt.Fprintf(c, "forgotten: %d\n", n)
		return nil
	case c.Args[0] == "limit" && len(c.Args) == 2:
		size, err := parseSize(c.Args[1])
		if err != nil {
			return err
		}
		removed, err := kernelext.Trim(size)
		fmt.Fprintf(c, "removed %d\n", len(removed))
		return err
	}
	return errors.New("write %memo, %memo forget NAME or %memo limit SIZE")
}

// listMemo prints a line for each entry.
func listMemo(c *proxy.Call) error {
	list, err := kernelext.List()
	if err != nil {
		return err
	}
	var total int64
	table := tabwriter.NewWriter(c, 0, 0, 2, ' ', 0)
	for _, e := range list {
		total += e.Size()
		config := string(e.Config)
		if r := []rune(config); len(r) > 60 {
			config = string(r[:59]) + "…"
		}
		fmt.Fprintf(table, "%s\t%s\t%s\tcomputed in %.1f s\t%s\n", e.Name, humanize.Bytes(uint64(e.Size())),
			e.Created.Local().Format(time.DateTime), e.Seconds, config)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(c, "%d kept, %s\n", len(list), humanize.Bytes(uint64(total)))
	return nil
}

func completeData(args []string) []string {
	switch {
	case len(args) == 1:
		return []string{"get"}
	case len(args) == 2 && args[0] == "get":
		var names []string
		for _, set := range data.Sets() {
			names = append(names, set.ID)
		}
		return names
	}
	return nil
}

func dataMagic(ctx context.Context, c *proxy.Call) error {
	switch {
	case len(c.Args) == 0:
		return listData(c, data.Sets(), "")
	case c.Args[0] == "get" && len(c.Args) == 2:
		return getData(ctx, c, c, c.Args[1:], "")
	}
	return errors.New("write %data or %data get NAME")
}

// comparisons are the Versus rows that cells have shown.
type comparisons struct {
	mu     sync.Mutex
	tables []map[string]any
}

// observe keeps a table.
func (s *comparisons) observe(d wire.Display) {
	if table, ok := d.Data[kernelext.VersusMIME].(map[string]any); ok {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.tables = append(s.tables, table)
	}
}

// run shows the tables as one text.
func (s *comparisons) run(_ context.Context, c *proxy.Call) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.tables) == 0 {
		fmt.Fprintln(c, "no cell has compared anything yet (kernelext.Versus)")
		return nil
	}
	table := tabwriter.NewWriter(c, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "document\titem\tits value\there\tseeds")
	for _, t := range s.tables {
		rows, _ := t["rows"].([]any)
		for _, row := range rows {
			if r, ok := row.(map[string]any); ok {
				fmt.Fprintf(table, "%v\t%v\t%s\t%s\t%s\n", t["document"], r["item"], cellText(r["document"]), cellText(r["here"]),
					cellText(r["seeds"]))
			}
		}
	}
	return table.Flush()
}

// cellText writes a value of a table, – where there is none.
func cellText(v any) string {
	switch v := v.(type) {
	case nil:
		return "–"
	case float64:
		return fmt.Sprintf("%.4g", v)
	}
	return fmt.Sprint(v)
}
