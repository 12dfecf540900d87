// SPDX-License-Identifier: Apache-2.0

// Package kernelext is what a notebook cell imports: results that outlive a cell, pictures and text in the right
// order, progress, run profiles, and tables that compare a document with what was measured here.
//
// GoNB runs every cell as a process of its own. A variable that holds a trained network is gone in the next cell,
// text and pictures travel through two pipes and may overtake each other, and what is still in a pipe when the
// process ends is lost. This package deals with all three:
//
//   - [Memo] computes a value once and reads it back in later cells and sessions.
//   - [Show] displays figures, tables, images, tensors and text after everything printed before it and before
//     everything printed after it. When Show returns the notebook has it: a panic, log.Fatal or os.Exit loses nothing.
//   - [Explore], [Frames] and [Slide] are views that answer to the reader: charts to point at, sliders over pictures
//     that are drawn beforehand or when they are asked for.
//   - [Playground] shows a playground of the course and leads to the live one, which computes in the reader's browser.
//   - [Progress] and [LiveFigure] redraw in place while something runs and end as a static line and picture.
//   - [Train] and [Sweep] show how far they are, can be stopped or killed at any time, and go on when run again.
//     [Watch] shows the progress of a training inside another function.
//   - [Profile], [Pick] and [Param] choose the size of a run: quick, standard or paper.
//   - [Versus] sets a document's numbers beside the ones measured here, for people and for programs.
//   - [Interrupted] tells a training loop that the stop button was pressed.
//
// The same code runs outside a notebook (go run): displays are printed as text, and with LATERAL_FIGURES=dir
// pictures are saved there.
//
// Environment: LATERAL_PROFILE (quick, standard, paper), LATERAL_PARAMS (a JSON object read by Param), LATERAL_DATA
// (directory of data sets), LATERAL_MEMO (directory of Memo), LATERAL_MEMO_LIMIT (how much Memo may keep, such as 2GB),
// LATERAL_FRESH (1: Memo reuses nothing that is older than the library's sources), LATERAL_CHECKPOINTS and
// LATERAL_SWEEPS (directories of Train and Sweep), LATERAL_FIGURES (directory for pictures outside a notebook),
// LATERAL_HEADLESS (set by "lateral run": nobody is watching).
//
// The package does not import the figure library, so a cell that draws nothing links quickly.
package kernelext
