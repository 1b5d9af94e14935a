namespace Streaming.Models.Offline;

/// <summary>A character beside the lead and the foil.</summary>
internal sealed record SupportingRole(string Role, string[] Descriptions);

/// <summary>One step of a story: what it is called and what happens in it.</summary>
internal sealed record StoryStep(string[] Titles, string[] Summaries);

/// <summary>
/// Sentences of outlines. Placeholders: those of <see cref="StoryPhrases"/>, and <c>{ally}</c>, <c>{third}</c>, the
/// third and fourth character, <c>{episodes}</c>, <c>{length}</c>, <c>{title}</c>, <c>{genre}</c>; in descriptions
/// <c>{self}</c>, the character's own first name.
/// </summary>
internal static class OutlinePhrases
{
    public static readonly string[] SupportingNames =
    [
        "Nell Abara", "Otto Reyes", "Mei Tanaka", "Jonah Finch", "Amina Sorel", "Theo Marchetti", "Kirra Doyle",
        "Samir Nasser", "Elsie Crane", "Paulo Vidal", "Zhen Ruan", "Ruth Calloway",
    ];

    public static readonly SupportingRole[] SupportingRoles =
    [
        new("Confidant",
        [
            "{self} has heard every version of the story and still picks up when {name} calls. Loyal until the day that loyalty is asked for in writing.",
            "The friend who says it first and apologises last. {self} keeps one fact from {name}, for what seem good reasons.",
        ]),
        new("Wild card",
        [
            "{self} wants out of {town} and will help whoever is leaving first. Twice saves {name}, and twice sends a bill.",
            "Nobody can say whose side {self} is on, {self} least of all. Carries the only copy of what {rival} needs.",
        ]),
        new("Mentor",
        [
            "{self} taught {name} the trade and left out the part about the price. Comes back to teach it.",
            "Retired, amused and seldom wrong. {self} made the same choice thirty years ago and has regretted both outcomes.",
        ]),
        new("Witness",
        [
            "{self} saw it all from a window and was never asked. When the question finally comes, the answer has been rehearsed.",
            "Young, exact and unafraid. {self} notices what the adults step over, and writes it down.",
        ]),
    ];

    public static readonly string[] LeadDescriptions =
    [
        "{full}, {desc}, wants one thing settled and everything else left alone. Mistakes silence for strength, and learns the difference in public.",
        "{full} is {desc}. Quick with a joke and slow with the truth, {he} would rather be useful than known.",
        "{full}, {desc}, has kept every promise but one. The story is about that one.",
    ];

    public static readonly string[] FoilDescriptions =
    [
        "{self} has a plan, a deadline and better manners than anyone in {town}. Never lies to {name}, which does more harm than lying would.",
        "Charming in company and precise in private. {self} wants what {name} wants, for a reason that is hard to hate.",
        "{self} believes that someone has to be the villain so that the rest may sleep. Recognises too much of {name} in the mirror.",
    ];

    public static readonly string[] SellingPoints =
    [
        "A lead to root for from the first minute: {name} is wrong in a way that everyone has been.",
        "An opponent with a case: half of the audience will side with {rival}, and change their minds twice.",
        "{town} as a world with its own rules, cheap to build and easy to return to.",
        "A clear engine: each of the {episodes} ends with one secret fewer and one problem more.",
        "A blend that promises {genre} and delivers it, with an ending that rewards a second viewing.",
        "Made to be talked about: every reversal can be told in a single sentence.",
    ];

    public static readonly string[] Synopses =
    [
        "In {town}, {name} is drawn into a quarrel that began before either side can remember, and {rival} arrives to end it.",
        "What begins as a small favour for {rival} puts {name} in possession of something that all of {town} is looking for.",
        "For {name} it should be a matter of days; {rival} makes it a matter of everything that came before.",
    ];

    public static readonly string[] Endings =
    [
        "By the end both have what they asked for, and only one of them still wants it.",
        "The last choice is the same as the first, and this time {name} knows what it costs.",
        "When the truth comes out it frees everyone except the person who told it.",
        "The final image answers the first, with one empty chair.",
    ];

    public static readonly StoryStep[] Steps =
    [
        new(["The Ordinary Lie", "Before the Knock", "A Small Favour"],
        [
            "{name} keeps a careful balance in {town}, until {rival} arrives with an offer that cannot be refused politely. {ally} warns against it; {name} signs, and by evening the first price is named.",
            "We meet {name} on the last quiet day. {rival} asks a question to which only one person knows the answer, and {ally} sees {name} hesitate.",
        ]),
        new(["Terms and Conditions", "The Door Opens", "Closer"],
        [
            "{name} and {rival} are forced to work side by side, and are good at it, which alarms them both. {third} finds the first crack in the official story and hides it from {ally}.",
            "Drawn deeper, {name} learns the rules by breaking them. {rival} covers for the first mistake and keeps the proof, while {third} begins to follow them.",
        ]),
        new(["The False Floor", "Half the Truth", "What {third} Saw"],
        [
            "A victory comes too easily. {third} tells {name} what {rival} really did, leaving out one name, and the trust between {name} and {ally} starts to give.",
            "Everything seems won: {name} has the evidence, the crowd and the moment. Then {rival} shows that the evidence points the other way.",
        ]),
        new(["No Way Back", "The Price", "{rival} Moves"],
        [
            "{rival} plays the card held since the beginning, and {name} loses the house, the friend and the argument in one day. {ally} disappears with the only copy.",
            "The secret is out, and it is the wrong one. {town} turns on {name}; {rival} could stop it with a word, and waits for {third} to say it.",
        ]),
        new(["The Long Night", "Alone in {town}", "Inventory of Losses"],
        [
            "With nothing left to protect, {name} goes to {rival} unarmed and asks why. The answer changes who the enemy is, and {ally} comes back with it in writing.",
            "{name} retraces every step with {third} and finds the moment where it could have gone otherwise. {rival} has been standing there all along.",
        ]),
        new(["The First Honest Thing", "Open Doors", "What {name} Kept"],
        [
            "In front of everyone, {name} tells the truth that costs the most. {rival} confirms it; {ally} forgives, {third} does not, and {town} has to learn to live with its own story.",
            "The plan needs {name} and {rival} on one side, for an hour. It works, at a price that {ally} sees coming and {name} pays gladly, leaving {third} to tell the rest.",
        ]),
    ];
}
