"""The documentation site: make docs. Nothing in it asks the network, while it is built or while it is read."""

import sys
from pathlib import Path

from sphinx.application import Sphinx

import bp_core

sys.path.append(str(Path(__file__).parent / "_ext"))

project = "bp_core"
author = "the bp_core authors"
project_copyright = author
release = version = bp_core.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "numpydoc", "sphinx_copybutton", "mathml"]
exclude_patterns = ["_build"]
root_doc = "index"
nitpicky = False

myst_enable_extensions = ["attrs_block", "attrs_inline", "colon_fence", "deflist", "dollarmath", "html_image"]
myst_heading_anchors = 3

html_theme = "furo"
html_title = f"bp_core {release}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_math_renderer = "mathml"
html_show_sphinx = False
html_copy_source = False
highlight_language = "none"
pygments_style = "default"

copybutton_prompt_text = r">>> |\.\.\. "
copybutton_prompt_is_regexp = True

autodoc_member_order = "bysource"
autodoc_typehints = "none"
add_module_names = False
numpydoc_show_class_members = False
numpydoc_xref_param_type = False


def links_from_docs(app: Sphinx, path: Path, page: str, text: list[str]) -> None:
    """Let the links of a page that lies in the root of the repository start from docs/, where it is included."""
    text[0] = text[0].replace("](docs/", "](").replace("](bench/", "](../bench/").replace("](LICENSE)", "](../LICENSE)")


def setup(app: Sphinx) -> None:
    app.connect("include-read", links_from_docs)
