// SPDX-License-Identifier: Apache-2.0

package mathml

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
)

func ExampleConvert() {
	math, err := Convert(`x_i^2`, false)
	fmt.Println(strings.ReplaceAll(math, "><m", ">\n<m"), err)
	_, err = Convert(`\frac{1}{\unknown}`, false)
	fmt.Println(err)
	// Output:
	// <math xmlns="http://www.w3.org/1998/Math/MathML" alttext="x_i^2">
	// <mrow>
	// <msubsup>
	// <mrow>
	// <mi>x</mi></mrow>
	// <mrow>
	// <mi>i</mi></mrow>
	// <mrow>
	// <mn>2</mn></mrow></msubsup></mrow></math> <nil>
	// mathml: unknown command \unknown in "\\frac{1}{\\unknown}"
}

// body returns the content of the outer row, or the error.
func body(tex string, display bool) string {
	math, err := Convert(tex, display)
	if err != nil {
		return "error: " + err.(*Error).Reason
	}
	_, rest, _ := strings.Cut(math, "<mrow>")
	return strings.TrimSuffix(rest, "</mrow></math>")
}

func TestConvert(t *testing.T) {
	for tex, want := range map[string]string{
		`a+b`:             `<mi>a</mi><mo>+</mo><mi>b</mi>`,
		`-x`:              `<mo form="prefix">−</mo><mi>x</mi>`,
		`a=-x`:            `<mi>a</mi><mo>=</mo><mo form="prefix">−</mo><mi>x</mi>`,
		`(a)-x`:           `<mo stretchy="false">(</mo><mi>a</mi><mo stretchy="false">)</mo><mo>−</mo><mi>x</mi>`,
		`0.25`:            `<mn>0.25</mn>`,
		`784-128`:         `<mn>784</mn><mo>−</mo><mn>128</mn>`,
		`x.`:              `<mi>x</mi><mo>.</mo>`,
		`a<b`:             `<mi>a</mi><mo>&lt;</mo><mi>b</mi>`,
		`\alpha\le\Omega`: `<mi>α</mi><mo>≤</mo><mi>Ω</mi>`,
		`\frac{1}{n}`:     `<mfrac><mrow><mn>1</mn></mrow><mrow><mi>n</mi></mrow></mfrac>`,
		// TeX takes one digit at a time.
		`\frac12`:             `<mfrac><mrow><mn>1</mn></mrow><mrow><mn>2</mn></mrow></mfrac>`,
		`x^10`:                `<msup><mrow><mi>x</mi></mrow><mrow><mn>1</mn></mrow></msup><mn>0</mn>`,
		`\sqrt{x}`:            `<msqrt><mi>x</mi></msqrt>`,
		`\sqrt[3]{x}`:         `<mroot><mrow><mi>x</mi></mrow><mrow><mn>3</mn></mrow></mroot>`,
		`\mathbf{W}`:          `<mrow><mi>𝐖</mi></mrow>`,
		`\boldsymbol{\theta}`: `<mrow><mi>𝜽</mi></mrow>`,
		`\mathbb{R}`:          `<mrow><mi>ℝ</mi></mrow>`,
		`\mathcal{LB}`:        `<mrow><mi>ℒ</mi><mi>ℬ</mi></mrow>`,
		`\mathrm{d}x`:         `<mrow><mi mathvariant="normal">d</mi></mrow><mi>x</mi>`,
		`\hat{y}`:             `<mover accent="true"><mrow><mi>y</mi></mrow><mo stretchy="false">^</mo></mover>`,
		`\widehat{ab}`:        `<mover accent="true"><mrow><mi>a</mi><mi>b</mi></mrow><mo stretchy="true">^</mo></mover>`,
		`f'(x)`: `<mrow><mi>f</mi><mo lspace="0" rspace="0">′</mo></mrow>` +
			`<mo stretchy="false">(</mo><mi>x</mi><mo stretchy="false">)</mo>`,
		`\log x`:                 `<mi>log</mi><mspace width="0.17em"/><mi>x</mi>`,
		`\log(x)`:                `<mi>log</mi><mo stretchy="false">(</mo><mi>x</mi><mo stretchy="false">)</mo>`,
		`\text{if } x`:           "<mtext>if\u00a0</mtext><mi>x</mi>",
		`\text{at $x$}`:          "<mtext>at\u00a0</mtext><mrow><mi>x</mi></mrow>",
		`\operatorname{sign}(x)`: `<mi>sign</mi><mo stretchy="false">(</mo><mi>x</mi><mo stretchy="false">)</mo>`,
		`\left( x \right]`: `<mrow><mo stretchy="true" fence="true" form="prefix">(</mo><mi>x</mi>` +
			`<mo stretchy="true" fence="true" form="postfix">]</mo></mrow>`,
		`\left. x \right|`: `<mrow><mi>x</mi><mo stretchy="true" fence="true" form="postfix">|</mo></mrow>`,
		`\not\in`:          "<mo>∈\u0338</mo>",
		`\not=`:            "<mo>=\u0338</mo>",
		`\{x\}`: `<mo stretchy="false" lspace="0" rspace="0">{</mo><mi>x</mi>` +
			`<mo stretchy="false" lspace="0" rspace="0">}</mo>`,
		`10\%`:          `<mn>10</mn><mi>%</mi>`,
		`x % a comment`: `<mi>x</mi>`,
		`é`:             `<mi>é</mi>`,
		`_i x`:          `<msub><mrow><mrow></mrow></mrow><mrow><mi>i</mi></mrow></msub><mi>x</mi>`,
		``:              ``,
	} {
		if got := body(tex, false); got != want {
			t.Errorf("%s:\ngot  %s\nwant %s", tex, got, want)
		}
	}
}

// Limits go above and below in display style, and beside the sign elsewhere.
func TestLimits(t *testing.T) {
	for _, test := range []struct {
		tex     string
		display bool
		want    string
	}{
		{`\sum_i^n`, true, "munderover"},
		{`\sum_i^n`, false, "msubsup"},
		{`\int_a^b`, true, "msubsup"},
		{`\int\limits_a^b`, false, "munderover"},
		{`\sum\nolimits_i^n`, true, "msubsup"},
		{`\max_x`, true, "munder"},
		{`\max_x`, false, "msub"},
		{`\operatorname*{argmin}_x`, true, "munder"},
		{`\operatorname{argmin}_x`, true, "msub"},
		{`\frac{\sum_i}{n}`, true, "msub"},
		{`\dfrac{1}{n} \sum_i`, true, "munder"},
		{`x_{\sum_i}`, true, "msub"},
		{`\displaystyle\sum_i`, false, "munder"},
		{`\underbrace{x}_{y}`, false, "munder"},
		{`\begin{aligned}\sum_i\end{aligned}`, false, "munder"},
		{`\begin{matrix}\sum_i\end{matrix}`, true, "msub"},
		{`\begin{matrix}x\end{matrix}\sum_i`, true, "munder"},
	} {
		got := body(test.tex, test.display)
		for _, kind := range []string{"msub", "msubsup", "munder", "munderover"} {
			has := strings.Contains(got, "<"+kind+">")
			if has != (kind == test.want) && !(kind == "munder" && test.tex[1] == 'u') {
				t.Errorf("%s (display %t): %s present is %t in %s", test.tex, test.display, kind, has, got)
			}
		}
	}
}

// Tables: rows, columns and their alignment.
func TestEnvironments(t *testing.T) {
	for tex, want := range map[string]struct {
		rows, cells int
		contains    string
	}{
		`\begin{pmatrix}1&0\\0&1\end{pmatrix}`:                             {2, 4, `form="prefix">(</mo>`},
		`\begin{bmatrix}1&0\\0&1\\\end{bmatrix}`:                           {2, 4, `form="postfix">]</mo>`},
		`\begin{cases} x & x>0 \\ 0 & \text{otherwise} \end{cases}`:        {2, 4, "text-align:left"},
		`\begin{aligned} a &= b \\ &= c \end{aligned}`:                     {2, 4, "text-align:right"},
		`\begin{align*} a &= b & c &= d \\[2pt] e &= f \end{align*}`:       {2, 6, "padding:0.2em 0 0.2em 2em"},
		`\begin{array}{l|cr} a & b & c \\ \hline d & e & f \end{array}`:    {2, 6, "text-align:center"},
		`\begin{gathered} a \\ b \end{gathered}`:                           {2, 2, "text-align:center"},
		`\sum_{\substack{i<j \\ j<k}} x`:                                   {2, 2, "mtable"},
		`\begin{pmatrix} \begin{matrix}1\\2\end{matrix} & 3 \end{pmatrix}`: {3, 4, "mtable"},
	} {
		got := body(tex, true)
		rows, cells := strings.Count(got, "<mtr>"), strings.Count(got, "<mtd ")
		if rows != want.rows || cells != want.cells || !strings.Contains(got, want.contains) {
			t.Errorf("%s: %d rows, %d cells in %s", tex, rows, cells, got)
		}
	}
}

func TestErrors(t *testing.T) {
	for tex, want := range map[string]string{
		`\foo{x}`:                           `unknown command \foo`,
		`\frac{1}`:                          "an argument is missing",
		`{x`:                                "} is missing",
		`x}`:                                "} without a beginning",
		`x & y`:                             "& without a beginning",
		`x_a_b`:                             "two subscripts",
		`x^a^b`:                             "two superscripts",
		`x^`:                                "an argument is missing",
		`\left( x`:                          `\left without \right`,
		`x \right)`:                         `\right without a beginning`,
		`\left x y \right)`:                 `"x" is not a delimiter`,
		`\begin{foo}x\end{foo}`:             "unknown environment foo",
		`\begin{matrix}x\end{cases}`:        `\begin{matrix} ended by \end{cases}`,
		`\begin{matrix}x`:                   `\begin{matrix} without \end`,
		`\sqrt[3 x`:                         "] is missing",
		`\text{\foo}`:                       "holds a command",
		`\operatorname{\foo}`:               "more than text",
		`\textcolor{red;x:url(y)}{x}`:       "is not a name",
		`\hspace{1em" onclick="x}`:          "is not a width",
		`\not x`:                            `\not before "x"`,
		`#`:                                 `unexpected "#"`,
		`\`:                                 `unknown command \`,
		`\sqrt[a}b]{x}`:                     "} without a beginning",
		strings.Repeat("{", 500):            "nested too deeply",
		strings.Repeat(`\hat `, 5000) + "x": "nested too deeply",
		strings.Repeat(`\sqrt[`, 300) + "x": "missing",
		`\text{` + strings.Repeat("$x$", 3): "} is missing",
	} {
		_, err := Convert(tex, false)
		var e *Error
		if !errors.As(err, &e) || !strings.Contains(e.Reason, want) || e.TeX != tex {
			t.Errorf("%.40s: error %v, want one about %q", tex, err, want)
		}
	}
}

// The equations of the documents that the notebooks follow, and others of
// their kind, all convert to well-formed MathML.
func TestDocuments(t *testing.T) {
	for _, tex := range []string{
		`h_j^i = \begin{cases} z_j^i & \text{if } z_j^i \geq z_k^i,\ \forall k = 1..B \\ 0 & \text{otherwise} \end{cases}`,
		`\mathcal{L}(\theta) = -\frac{1}{N}\sum_{i=1}^{N} \log p_\theta(y_i \mid x_i) + \lambda \sum_{j} \lVert h_j \rVert_1`,
		`\tau_L \frac{dW_i}{dt} = g(Q)\left[ R^p v_i - \langle W, v\rangle W_i \right]`,
		`\tau \frac{d h_\mu}{dt} = I_\mu - w_{inh}\sum_{\nu\neq\mu} r(h_\nu) - h_\mu`,
		`\langle X, Y\rangle_\mu = \sum_{i,j}\eta^\mu_{ij} X_i Y_j,` +
			`\quad \eta_{ij}^\mu = \left| W_{\mu i}\right|^{p-2}\delta_{ij}`,
		`g(i) = \Theta\bigl(i - \max_j h_j\bigr) \;\;\implies\; \dot{W} \to 0`,
		`z^{(\ell)} = \Lambda_{g^{(\ell)}} z^{(\ell+1)},\qquad g^{(\ell)} \in \mathcal{G}^{(\ell)},\ \ell = 1,\dots,L`,
		`\hat{x} = \operatorname*{arg\,max}_{c, g} \ln p(x \mid c, g) + \ln p(c, g)`,
		`\mathbb{E}_{q}\!\left[\log \frac{p(x,z)}{q(z)}\right] \leq \log p(x)`,
		`D_{\mathrm{KL}}(q \,\|\, p) = \sum_c q(c)\log\frac{q(c)}{p(c)}`,
		`v_{n,j} = \sum_{z\in\mathcal{A}_{n,j}} u_{n,j+z},\quad \tilde{z} = \frac{z - \bar{z}}{\sqrt{\sigma^2 + \epsilon}}`,
		`\left\lfloor \tfrac{n}{2} \right\rfloor \Big( 1 + \overline{AB} \Big)^{1/p} ` +
			`\xrightarrow{n\to\infty} \binom{n}{k}\pmod{p}`,
		`\begin{align} a &= \left( \frac{\partial L}{\partial w} \right)^2 \tag{1} \label{a} \\ ` +
			`b &= \int_0^\infty e^{-x^2}\,dx = \frac{\sqrt{\pi}}{2} \nonumber \end{align}`,
		`{\bf x}^{\top} \mathsf{A} \mathtt{b} \vec{v} \ddot{q} \textcolor{red}{y} ` +
			`\boxed{E = mc^2} \phantom{x} x\in[0,1] \quad |x| < 1`,
		`W \sim \mathcal{U}\Bigl(-\tfrac{1}{\sqrt{n}}, \tfrac{1}{\sqrt{n}}\Bigr), \quad \#\{j : h_j > 0\} \approx 10^{3}`,
		`\underbrace{a+b}_{\text{sum}}\overbrace{c}^{d}\overset{!}{=}\underset{x}{\lim} ` +
			`\stackrel{\text{def}}{=} \underline{z}`,
	} {
		for _, display := range []bool{false, true} {
			math, err := Convert(tex, display)
			if err != nil {
				t.Error(err)
				continue
			}
			if err := wellFormed(math); err != nil {
				t.Errorf("%s: %v in %s", tex, err, math)
			}
		}
	}
}

// children are the elements that need a certain number of children.
var children = map[string]int{
	"mfrac": 2, "mroot": 2, "msub": 2, "msup": 2, "msubsup": 3, "munder": 2, "mover": 2, "munderover": 3,
}

// wellFormed checks that math is XML and that scripts and fractions have the
// children they need: a browser shows others as errors.
func wellFormed(math string) error {
	decoder := xml.NewDecoder(strings.NewReader(math))
	var counts []int
	for {
		token, err := decoder.Token()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		switch token := token.(type) {
		case xml.StartElement:
			if n := len(counts); n > 0 {
				counts[n-1]++
			}
			counts = append(counts, 0)
		case xml.EndElement:
			n := counts[len(counts)-1]
			counts = counts[:len(counts)-1]
			if want := children[token.Name.Local]; want != 0 && n != want {
				return fmt.Errorf("%s has %d children", token.Name.Local, n)
			}
		}
	}
}

func FuzzConvert(f *testing.F) {
	f.Add(`\frac{a_1^2}{\sqrt[n]{x}} \left( \begin{cases} a & b \\ c \end{cases} \right)`, true)
	f.Add(`\text{a $b$}'^2 \not= \big| \operatorname*{x} \pmod 3 \label{x}_2`, false)
	f.Add("\\\\ & \\end{x} \\substack{a\\\\b} <>\"'&\x00\xff", true)
	f.Fuzz(func(t *testing.T, tex string, display bool) {
		math, err := Convert(tex, display)
		if err != nil {
			return
		}
		if strings.ContainsFunc(tex, func(r rune) bool { return r < ' ' || r == 0xfffd || r == 0xfffe || r == 0xffff }) {
			return // not XML, though HTML takes it
		}
		if err := wellFormed(math); err != nil {
			t.Errorf("%v in %s", err, math)
		}
	})
}
