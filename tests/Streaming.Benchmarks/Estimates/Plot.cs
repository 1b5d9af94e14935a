using System.Globalization;
using System.Text;

namespace Streaming.Benchmarks.Estimates;

/// <summary>Lines over one pair of axes, side by side with others, as a small SVG that is legible on light and on dark.</summary>
sealed class Plot(string title, string acrossTitle, string upTitle, double acrossMax, double upMax)
{
    const int Width = 300, Height = 240, Left = 46, Bottom = 40, Top = 28, Right = 12;
    static readonly string[] Colours = ["#1f77b4", "#d62728", "#8c8c8c", "#2ca02c", "#ff7f0e"];

    readonly List<(string Name, List<(double Across, double Up)> Points, bool IsDashed)> _lines = [];

    public Plot Line(string name, IEnumerable<(double Across, double Up)> points, bool isDashed = false)
    {
        _lines.Add((name, [.. points], isDashed));
        return this;
    }

    /// <summary>The file: the plots beside each other, and one legend below, of the first.</summary>
    public static string Svg(params Plot[] plots)
    {
        var svg = new StringBuilder();
        svg.Append(CultureInfo.InvariantCulture,
            $"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {plots.Length * Width} {Height + 24}\" font-family=\"sans-serif\" font-size=\"11\">\n");
        svg.Append("<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n");
        for (var i = 0; i < plots.Length; i++)
            plots[i].Write(svg, i * Width);
        for (var line = 0; line < plots[0]._lines.Count; line++)
        {
            var x = Left + line * 160;
            svg.Append(CultureInfo.InvariantCulture, $"<path d=\"M{x} {Height + 10}h22\" {Stroke(line, plots[0]._lines[line].IsDashed)}/>");
            svg.Append(CultureInfo.InvariantCulture, $"<text x=\"{x + 28}\" y=\"{Height + 14}\">{plots[0]._lines[line].Name}</text>\n");
        }

        return svg.Append("</svg>\n").ToString();
    }

    void Write(StringBuilder svg, int offset)
    {
        svg.Append(CultureInfo.InvariantCulture, $"<g transform=\"translate({offset} 0)\">\n<text x=\"{Left}\" y=\"13\" font-weight=\"bold\">{title}</text>\n");
        for (var tick = 0; tick <= 4; tick++)
        {
            var (x, y) = (X(acrossMax * tick / 4), Y(upMax * tick / 4));
            svg.Append(CultureInfo.InvariantCulture, $"<path d=\"M{Left} {y:0.#}H{Width - Right}\" stroke=\"#ddd\"/>");
            svg.Append(CultureInfo.InvariantCulture, $"<text x=\"{Left - 5}\" y=\"{y + 4:0.#}\" text-anchor=\"end\">{Figure(upMax * tick / 4)}</text>");
            svg.Append(CultureInfo.InvariantCulture, $"<text x=\"{x:0.#}\" y=\"{Height - Bottom + 15}\" text-anchor=\"middle\">{Figure(acrossMax * tick / 4)}</text>\n");
        }

        svg.Append(CultureInfo.InvariantCulture, $"<path d=\"M{Left} {Top}V{Height - Bottom}H{Width - Right}\" fill=\"none\" stroke=\"#444\"/>\n");
        svg.Append(CultureInfo.InvariantCulture, $"<text x=\"{(Left + Width - Right) / 2}\" y=\"{Height - 8}\" text-anchor=\"middle\">{acrossTitle}</text>\n");
        svg.Append(CultureInfo.InvariantCulture, $"<text x=\"{Left}\" y=\"25\" font-size=\"9\">{upTitle}</text>\n");
        for (var line = 0; line < _lines.Count; line++)
        {
            var points = _lines[line].Points.Where(point => double.IsFinite(point.Up))
                .Select(point => string.Create(CultureInfo.InvariantCulture, $"{X(point.Across):0.#},{Y(Math.Min(point.Up, upMax)):0.#}"));
            svg.Append(CultureInfo.InvariantCulture, $"<polyline points=\"{string.Join(' ', points)}\" {Stroke(line, _lines[line].IsDashed)}/>\n");
        }

        svg.Append("</g>\n");
    }

    static string Figure(double share) => string.Create(CultureInfo.InvariantCulture, $"{100 * share:0} %");

    static string Stroke(int line, bool isDashed) =>
        $"fill=\"none\" stroke=\"{(isDashed ? "#999" : Colours[line % Colours.Length])}\" stroke-width=\"1.8\"{(isDashed ? " stroke-dasharray=\"4 3\"" : "")}";

    double X(double across) => Left + across / acrossMax * (Width - Left - Right);

    double Y(double up) => Height - Bottom - up / upMax * (Height - Bottom - Top);
}
