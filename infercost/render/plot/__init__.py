"""Pictures of a report: lines and bars as text, SVG, PNG, a page, a Vega-Lite specification."""
