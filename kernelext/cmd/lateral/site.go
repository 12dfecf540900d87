// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/lateral-ml/lateral/kernelext"
	"github.com/lateral-ml/lateral/kernelext/internal/site"
	"github.com/lateral-ml/lateral/kernelext/internal/toolchain"
	"github.com/spf13/cobra"
)

func siteCommand() *cobra.Command {
	var out, root string
	var serve bool
	var port int
	cmd := &cobra.Command{
		Use:   "site",
		Short: "Write the course as a web site of files",
		Long: `Site makes a web site of the notebooks as they are saved, with the course map, playgrounds in
which the library runs in the browser, results, gallery, documentation of the packages and a
search. It needs no network, neither to be made nor to be read: open index.html from the disk, or
copy the folder to any web space, at any path. With --serve it is shown at an address of this
machine until Ctrl-C.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			files, size, err := makeSite(cmd.Context(), root, out, func(note string) { cmd.PrintErrln("note:", note) })
			if err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%d files, %s in %s: open %s\n", files, humanize.IBytes(uint64(size)), out,
				filepath.Join(out, "index.html"))
			if !serve {
				return nil
			}
			return serveSite(cmd, out, port)
		},
	}
	cmd.Flags().StringVar(&out, "out", "site", "folder to write the site to")
	cmd.Flags().BoolVar(&serve, "serve", false, "show the site on this machine until Ctrl-C")
	cmd.Flags().IntVar(&port, "port", 0, "port to show it at (default: a free one)")
	cmd.Flags().StringVar(&root, "module", ".", "directory in the checkout to make the site of")
	return cmd
}

// makeSite writes the site of a checkout and returns the number of its files and bytes.
func makeSite(ctx context.Context, root, out string, warn func(string)) (files int, size int64, err error) {
	module, err := toolchain.FindModule(root)
	if err != nil {
		return 0, 0, err
	}
	installed, err := toolchain.AskGo(ctx, module)
	if err != nil {
		return 0, 0, err
	}
	s := site.Site{Module: module, GoRoot: installed.Root, Charts: kernelext.ChartScript, Warn: warn}
	files, size, err = s.Write(ctx, out)
	return files, size, explainDisk(err)
}

// serveSite shows a folder to browsers of this machine, and to no others.
func serveSite(cmd *cobra.Command, dir string, port int) error {
	listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		return fmt.Errorf("%w: choose another --port, or none for a free one", err)
	}
	server := &http.Server{Handler: http.FileServer(http.Dir(dir)), ReadHeaderTimeout: 10 * time.Second}
	fmt.Fprintf(cmd.OutOrStdout(), "http://%s/ (Ctrl-C ends it)\n", listener.Addr())
	done := context.AfterFunc(cmd.Context(), func() { server.Close() })
	defer done()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
