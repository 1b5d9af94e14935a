namespace Streaming.Models.Offline;

/// <summary>A character of ours. The pronouns: subject, object, possessive, separated by spaces.</summary>
internal sealed record Person(string Name, string Pronouns, string Description)
{
    public string FirstName => Name.Split(' ')[0];
}

/// <summary>Where a story takes place.</summary>
/// <param name="Phrase">Stands behind "in" or at the start of a sentence.</param>
/// <param name="Short">The part that a title can use.</param>
/// <param name="Rule">What everybody there knows; a sentence.</param>
internal sealed record Place(string Phrase, string Short, string Rule);

/// <summary>
/// People, places and sentences that belong to no genre. Placeholders: <c>{full}</c>, <c>{desc}</c>, <c>{name}</c>,
/// <c>{he} {him} {his}</c> for the lead; <c>{rival}</c>, the foil's first name; <c>{place} {town}</c>;
/// <c>{X} {Y}</c>, phrases of the user's, only as objects, so that they need not agree with a verb.
/// </summary>
internal static class StoryPhrases
{
    public static readonly Person[] Leads =
    [
        new("Mara Quist", "she her her", "a ferry pilot who has never missed a tide"),
        new("Tomas Adeyemi", "he him his", "a locksmith who only opens what others have lost"),
        new("June Halloran", "she her her", "a court stenographer who forgets nothing"),
        new("Idris Vale", "he him his", "a piano tuner with a second passport"),
        new("Wen Lao", "she her her", "a night nurse who reads palms for coffee money"),
        new("Petra Solano", "she her her", "a disgraced surveyor with a map nobody believes"),
        new("Kofi Brandt", "he him his", "a wedding photographer who cannot stand weddings"),
        new("Lena Morrow", "she her her", "the youngest judge the district has ever had"),
        new("Arjun Pell", "he him his", "a repairman of clocks and of small disputes"),
        new("Sadie Ward", "she her her", "a stunt driver on her last clean licence"),
        new("Milo Castellan", "he him his", "a chef who has lost his sense of taste"),
        new("Yuna Park", "she her her", "a voice actor whose voice is known and face is not"),
        new("Gabriel Stroud", "he him his", "a gravedigger with a degree in law"),
        new("Noor Haddad", "she her her", "a translator who has begun to edit what she hears"),
        new("Felix Amsel", "he him his", "a bankrupt magician raising a daughter alone"),
        new("Rosa Thackeray", "she her her", "a postwoman who reads one letter a year"),
    ];

    public static readonly Person[] Foils =
    [
        new("Ines Okafor", "she her her", "the auditor"),
        new("Victor Lang", "he him his", "the developer"),
        new("Celeste Arno", "she her her", "the heiress"),
        new("Bram Kessler", "he him his", "the former partner"),
        new("Dalia Frost", "she her her", "the prosecutor"),
        new("Silas Moon", "he him his", "the collector"),
        new("Hana Ito", "she her her", "the understudy"),
        new("Roland Pike", "he him his", "the fixer"),
        new("Odette Marsh", "she her her", "the matchmaker"),
        new("Caspian Holt", "he him his", "the returning brother"),
        new("Greta Linde", "she her her", "the insurance inspector"),
        new("Emil Duarte", "he him his", "the stranger"),
    ];

    public static readonly Place[] Places =
    [
        new("the harbour town of Salt Ferry", "Salt Ferry", "Nothing lands in Salt Ferry without three families taking a cut."),
        new("the half-drowned district of Lower Vane", "Lower Vane", "In Lower Vane the water decides what stays secret."),
        new("the mountain resort of Hochwald", "Hochwald", "Hochwald closes its only road in November and asks no questions until April."),
        new("the night market on Lantern Street", "Lantern Street", "On Lantern Street a price can be anything except money."),
        new("the old railway hotel at Marrow Junction", "Marrow Junction", "Every guest at Marrow Junction is there for a train that no longer runs."),
        new("the desert film town of Sundown Lot", "Sundown Lot", "At Sundown Lot the sets are older than the city, and better built."),
        new("the tower block called Paradise Court", "Paradise Court", "In Paradise Court each floor keeps its own law."),
        new("the island village of Saint Orla", "Saint Orla", "Saint Orla has one telephone, one priest and one rule about guests."),
        new("the university town of Greywick", "Greywick", "Greywick forgives failure and never forgives a footnote."),
        new("the border city of Two Bridges", "Two Bridges", "In Two Bridges people change names when they cross the river."),
        new("the vineyard country around Belmonte", "Belmonte", "In Belmonte land is never sold, only lost."),
        new("the arcade under Neon Hill", "Neon Hill", "Under Neon Hill the lights stay on so that no one learns the hour."),
        new("the theatre quarter of Old Curtain", "Old Curtain", "Old Curtain believes that a bad rehearsal saves lives."),
        new("the orbital dry dock at Kestrel Ring", "Kestrel Ring", "On Kestrel Ring air is a wage, and wages are late."),
    ];

    public static readonly string[] Openings =
    [
        "In {place}, {full}, {desc}, has learned to live without asking questions.",
        "{full}, {desc}, comes back to {place} for one night and misses the last way out.",
        "Nobody in {place} expects much of {full}, {desc}, and {he} has always found that useful.",
        "It begins in {place} on the day that {full}, {desc}, finally says no.",
        "What would make {full}, {desc}, burn down a careful life in {place}?",
        "Ten years after leaving, {full}, {desc}, is paid to return to {place} and look away.",
        "Everything in {place} runs on favours, and {full}, {desc}, owes more of them than anyone.",
        "We first see {full}, {desc}, running through {place} with somebody else's keys.",
        "The stories told in {place} leave out {full}, {desc}; this one puts {him} at the centre.",
        "On paper {full}, {desc}, was never in {place}; the photograph says otherwise.",
        "Three letters reach {place} on one morning, all addressed to {full}, {desc}.",
        "Ask anyone in {place} and they will say that {full}, {desc}, started it.",
    ];

    /// <summary>Openings that take up one of the user's phrases, for inputs that leave another one for later.</summary>
    public static readonly string[] PhraseOpenings =
    [
        "In {place}, {full}, {desc}, is the last person to have seen {X}.",
        "It is because of {X} that {full}, {desc}, ends up in {place}.",
        "{full}, {desc}, came to {place} to forget {X}, and nearly managed.",
        "Nobody in {place} believes the story about {X}, except {full}, {desc}.",
        "A rumour about {X} goes through {place}, and {full}, {desc}, knows who started it.",
        "What would {full}, {desc}, give up in {place} for {X}?",
        "{full}, {desc}, has spent ten years in {place} preparing for {X}.",
        "In {place} they still tell the tale of {X}, and leave {full}, {desc}, out of it.",
        "One morning in {place}, {full}, {desc}, wakes up responsible for {X}.",
        "Behind {X}, in the only photograph of that night in {place}, stands {full}, {desc}.",
        "To pay for a way out of {place}, {full}, {desc}, agrees to find {X}.",
        "Every winter somebody in {place} asks about {X}, and this time {full}, {desc}, answers.",
    ];

    public static readonly string[] Threads =
    [
        "Everything circles {X}, which no one will discuss before dark.",
        "Half of {town} wants to forget {X}; the other half has put money on it.",
        "The story keeps coming back to {X}, each time from the side that was hidden before.",
        "Two people remember {X} differently, and both have proof.",
        "Whoever understands {X} first gets to decide how this is told.",
        "{name} has built a whole life on not thinking about {X}, and now has until Friday.",
        "The only clue is a recording about {X}, made the day before it happened.",
        "Every lie that {name} tells is meant to protect {X}, and every one of them makes it worse.",
        "What starts as a joke about {X} becomes the one promise that {name} cannot break.",
        "The price of the truth is {X}, and {name} has already spent it.",
        "A child's question about {X} undoes in a minute what the adults took years to bury.",
        "Nobody agrees on what to do about {X}, so {name} does it alone.",
    ];

    public static readonly string[] DoubleThreads =
    [
        "Somewhere between {X} and {Y} lies the one thing that {name} will not sell.",
        "It starts with {X}, moves on to {Y}, and by then it is too late to call it coincidence.",
        "To keep {X}, {name} would have to give up {Y}, and the choice gets harder each time it returns.",
        "The town remembers {X}; only {name} remembers {Y}, and nobody has put the two together.",
        "{rival} came because of {X} and stays because of {Y}.",
    ];

    public static readonly string[] TitlePatterns =
    [
        "The {noun} of {town}", "What {name} Owed", "One More {noun}", "{town} After Dark", "The {word} {noun}",
        "The Last {noun} in {town}", "{name} and the {noun}", "Every Other {noun}", "Return to {town}",
        "{word} Season", "The {word} Letters", "{word}, Again", "{word} at Midnight", "The {noun} Next Door", "All the Way to {town}", "No {noun} Tonight", "The Trouble with {name}",
        "Before the {noun}", "{rival} Knows",
    ];
}
