// SPDX-License-Identifier: Apache-2.0

package mathml

// letters are set as variables.
var letters = map[string]string{
	`\alpha`: "α", `\beta`: "β", `\gamma`: "γ", `\delta`: "δ", `\epsilon`: "ϵ", `\varepsilon`: "ε", `\zeta`: "ζ",
	`\eta`: "η", `\theta`: "θ", `\vartheta`: "ϑ", `\iota`: "ι", `\kappa`: "κ", `\lambda`: "λ", `\mu`: "μ", `\nu`: "ν",
	`\xi`: "ξ", `\omicron`: "ο", `\pi`: "π", `\varpi`: "ϖ", `\rho`: "ρ", `\varrho`: "ϱ", `\sigma`: "σ",
	`\varsigma`: "ς", `\tau`: "τ", `\upsilon`: "υ", `\phi`: "ϕ", `\varphi`: "φ", `\chi`: "χ", `\psi`: "ψ", `\omega`: "ω",
	`\Gamma`: "Γ", `\Delta`: "Δ", `\Theta`: "Θ", `\Lambda`: "Λ", `\Xi`: "Ξ", `\Pi`: "Π", `\Sigma`: "Σ",
	`\Upsilon`: "Υ", `\Phi`: "Φ", `\Psi`: "Ψ", `\Omega`: "Ω",
	`\infty`: "∞", `\ell`: "ℓ", `\hbar`: "ℏ", `\imath`: "ı", `\jmath`: "ȷ", `\Re`: "ℜ", `\Im`: "ℑ", `\wp`: "℘",
	`\aleph`:    "ℵ",
	`\emptyset`: "∅", `\varnothing`: "∅", `\top`: "⊤", `\bot`: "⊥", `\square`: "□", `\Box`: "□", `\blacksquare`: "■",
	`\checkmark`: "✓", `\%`: "%", `\$`: "$", `\#`: "#", `\_`: "_", `\&`: "&", `\S`: "§", `\degree`: "°",
	`\dag`: "†", `\ddag`: "‡", `\pounds`: "£", `\bigstar`: "★", `\clubsuit`: "♣", `\heartsuit`: "♡", `\spadesuit`: "♠",
}

// operators are relations, arrows, binary operators and delimiters.
var operators = map[string]string{
	`\pm`: "±", `\mp`: "∓", `\times`: "×", `\div`: "÷", `\cdot`: "⋅", `\circ`: "∘", `\bullet`: "∙", `\ast`: "∗",
	`\star`:  "⋆",
	`\oplus`: "⊕", `\ominus`: "⊖", `\otimes`: "⊗", `\oslash`: "⊘", `\odot`: "⊙", `\wedge`: "∧", `\land`: "∧", `\vee`: "∨",
	`\lor`: "∨",
	`\cup`: "∪", `\cap`: "∩", `\sqcup`: "⊔", `\sqcap`: "⊓", `\setminus`: "∖", `\smallsetminus`: "∖", `\diamond`: "⋄",
	`\dagger`: "†", `\ddagger`: "‡",
	`\amalg`: "⨿", `\ltimes`: "⋉", `\rtimes`: "⋊", `\triangle`: "△", `\bigtriangleup`: "△",
	`\leq`: "≤", `\le`: "≤", `\leqslant`: "⩽", `\geq`: "≥", `\ge`: "≥", `\geqslant`: "⩾", `\neq`: "≠", `\ne`: "≠",
	`\ll`: "≪", `\gg`: "≫",
	`\lt`: "&lt;", `\gt`: "&gt;", `\prec`: "≺", `\succ`: "≻", `\preceq`: "⪯", `\succeq`: "⪰", `\lesssim`: "≲",
	`\gtrsim`: "≳",
	`\sim`:    "∼", `\simeq`: "≃", `\approx`: "≈", `\cong`: "≅", `\equiv`: "≡", `\propto`: "∝", `\doteq`: "≐",
	`\triangleq`: "≜",
	`\coloneqq`:  "≔", `\colon`: ":", `\asymp`: "≍", `\models`: "⊨", `\vdash`: "⊢", `\perp`: "⟂", `\parallel`: "∥",
	`\mid`: "∣", `\nmid`: "∤",
	`\in`: "∈", `\notin`: "∉", `\ni`: "∋", `\subset`: "⊂", `\supset`: "⊃", `\subseteq`: "⊆", `\supseteq`: "⊇",
	`\subsetneq`: "⊊",
	`\forall`:    "∀", `\exists`: "∃", `\nexists`: "∄", `\neg`: "¬", `\lnot`: "¬", `\partial`: "∂", `\nabla`: "∇",
	`\therefore`: "∴", `\because`: "∵",
	`\to`: "→", `\rightarrow`: "→", `\leftarrow`: "←", `\gets`: "←", `\leftrightarrow`: "↔", `\Rightarrow`: "⇒",
	`\Leftarrow`:      "⇐",
	`\Leftrightarrow`: "⇔", `\iff`: "⟺", `\implies`: "⟹", `\impliedby`: "⟸", `\mapsto`: "↦", `\longmapsto`: "⟼",
	`\longrightarrow`: "⟶", `\longleftarrow`: "⟵", `\Longrightarrow`: "⟹", `\Longleftarrow`: "⟸",
	`\Longleftrightarrow`: "⟺", `\hookrightarrow`: "↪", `\hookleftarrow`: "↩",
	`\rightharpoonup`: "⇀", `\rightleftharpoons`: "⇌", `\leadsto`: "⇝", `\rightsquigarrow`: "⇝",
	`\uparrow`: "↑", `\downarrow`: "↓", `\updownarrow`: "↕", `\Uparrow`: "⇑", `\Downarrow`: "⇓", `\nearrow`: "↗",
	`\searrow`: "↘",
	`\ldots`:   "…", `\dots`: "…", `\dotsc`: "…", `\cdots`: "⋯", `\dotsb`: "⋯", `\vdots`: "⋮", `\ddots`: "⋱",
	`\prime`: "′", `\angle`: "∠",
	`\{`: "{", `\}`: "}", `\lbrace`: "{", `\rbrace`: "}", `\lbrack`: "[", `\rbrack`: "]", `\|`: "‖", `\Vert`: "‖",
	`\lVert`: "‖", `\rVert`: "‖", `\vert`: "|", `\lvert`: "|", `\rvert`: "|",
	`\langle`: "⟨", `\rangle`: "⟩", `\lfloor`: "⌊", `\rfloor`: "⌋", `\lceil`: "⌈", `\rceil`: "⌉", `\backslash`: `\`,
	`\ulcorner`: "⌜", `\urcorner`: "⌝",
}

// large are the operators whose limits go above and below in display style,
// integrals excepted.
var large = map[string]string{
	`\sum`: "∑", `\prod`: "∏", `\coprod`: "∐", `\int`: "∫", `\iint`: "∬", `\iiint`: "∭", `\oint`: "∮",
	`\bigcup`: "⋃", `\bigcap`: "⋂", `\bigvee`: "⋁", `\bigwedge`: "⋀", `\bigoplus`: "⨁", `\bigotimes`: "⨂", `\bigodot`: "⨀",
	`\bigsqcup`: "⨆",
}

// spaces by their width.
var spaces = map[string]string{
	`\,`: "0.17em", `\thinspace`: "0.17em", `\:`: "0.22em", `\>`: "0.22em", `\;`: "0.28em", `\!`: "-0.17em",
	`\negthinspace`: "-0.17em",
	`\ `:            "0.33em", `\quad`: "1em", `\qquad`: "2em", `\enspace`: "0.5em",
}

// accents go above their argument.
var accents = map[string]string{
	`\hat`: "^", `\widehat`: "^", `\bar`: "¯", `\vec`: "→", `\overrightarrow`: "→", `\tilde`: "~", `\widetilde`: "~",
	`\dot`: "˙", `\ddot`: "¨", `\check`: "ˇ", `\breve`: "˘", `\acute`: "´", `\grave`: "`", `\mathring`: "˚",
}

// functions are the named ones; true for those whose subscript goes below.
var functions = map[string]bool{
	`\log`: false, `\ln`: false, `\lg`: false, `\exp`: false, `\sin`: false, `\cos`: false, `\tan`: false, `\cot`: false,
	`\sec`: false, `\csc`: false,
	`\sinh`: false, `\cosh`: false, `\tanh`: false, `\coth`: false, `\arcsin`: false, `\arccos`: false, `\arctan`: false,
	`\arg`: false,
	`\deg`: false, `\dim`: false, `\hom`: false, `\ker`: false,
	`\max`: true, `\min`: true, `\sup`: true, `\inf`: true, `\lim`: true, `\limsup`: true, `\liminf`: true, `\det`: true,
	`\gcd`: true, `\Pr`: true,
	`\argmax`: true, `\argmin`: true,
}

// sizes of the delimiters after \big and its kin.
var sizes = map[string]string{
	`\big`: "1.2em", `\bigl`: "1.2em", `\bigr`: "1.2em", `\bigm`: "1.2em", `\Big`: "1.8em", `\Bigl`: "1.8em",
	`\Bigr`: "1.8em", `\Bigm`: "1.8em",
	`\bigg`: "2.4em", `\biggl`: "2.4em", `\biggr`: "2.4em", `\biggm`: "2.4em", `\Bigg`: "3em", `\Biggl`: "3em",
	`\Biggr`: "3em", `\Biggm`: "3em",
}

// fonts are the commands that set an alphabet.
var fonts = map[string]string{
	`\mathrm`: "rm", `\mathup`: "rm", `\mathbf`: "bf", `\boldsymbol`: "bi", `\bm`: "bi", `\pmb`: "bi", `\mathit`: "",
	`\mathnormal`: "",
	`\mathbb`:     "bb", `\mathcal`: "cal", `\mathscr`: "cal", `\mathfrak`: "frak", `\mathsf`: "sf", `\mathtt`: "tt",
}
